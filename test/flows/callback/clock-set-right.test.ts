import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/index.ts'
import { createWorld, rejection } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

const hour = 3_600_000

/** The clock of a machine that is wrong; the server's is right. */
function wrongBy(world: World, milliseconds: number): Clock {
  return {
    now: () => world.clock.now() + milliseconds,
    setTimeout: (callback, delay) => world.clock.setTimeout(callback, delay),
    random: () => world.clock.random(),
    systemOffset: () => world.clock.systemOffset() + milliseconds / 1000,
  }
}

describe('a clock that is set right while the user is at the login page', () => {
  test.each([2 * hour, -2 * hour, 400 * 24 * hour, -400 * 24 * hour])(
    'after it was wrong by %d ms does not cost the sign-in of this tab (F17)',
    async (milliseconds) => {
      const world = createWorld()
      const overrides = { clock: wrongBy(world, milliseconds) }
      const callback = await world.depart(world.tab, { overrides })
      const result = await world.load(world.tab, callback).start()
      expect(result).toMatchObject({ kind: 'signed-in' })
    },
  )

  test('a user who takes over an hour at the login page comes back signed in (F17)', async () => {
    const world = createWorld({ server: { codeLifetime: 7200 } })
    const callback = await world.depart()
    await world.clock.advance(hour + 1)
    expect(await world.load(world.tab, callback).start()).toMatchObject({ kind: 'signed-in' })
  })

  test('in another tab an old answer is refused: it may be somebody else’s link (F17)', async () => {
    const world = createWorld({ server: { codeLifetime: 7200 } })
    const callback = await world.depart()
    await world.clock.advance(hour + 1)
    const other = world.browser.openTab()
    const error = await rejection(world.load(other, callback).start())
    expect(error).toMatchObject({ code: 'transaction_not_found' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })
})
