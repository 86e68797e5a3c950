import { describe, expect, test } from 'vitest'
import type { Lock, PkceClient, PkceClientOptions, Store } from '../../src/index.ts'
import type { FakeTab } from '../../src/testing/index.ts'
import { failure, sentTokens } from '../support/refreshes.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

/** What one tab wrote becomes visible to the others after this many milliseconds. */
const late = 50

/** Tabs in processes of their own: the browser hands over their locks before it shows them what the others wrote. */
async function twoProcesses(): Promise<World & { one: PkceClient; two: PkceClient }> {
  const world = createWorld()
  const { clock } = world
  const writes: { by: FakeTab; at: number; value: string | undefined }[] = []

  const processOf = (tab: FakeTab): Partial<PkceClientOptions> => {
    const write = (value?: string) => void writes.push({ by: tab, at: clock.now(), value })
    const store: Store = {
      shared: true,
      get: () =>
        writes.filter(({ by, at }) => by === tab || clock.now() - at >= late).at(-1)?.value,
      set: (_, value) => write(value),
      remove: () => write(),
    }
    const lock: Lock = {
      request: (name, { linger = 0, ...options }, task) =>
        new Promise((resolve, reject) => {
          const hold = async () => {
            resolve(await task())
            if (linger) await new Promise<void>((done) => void clock.setTimeout(done, linger))
          }
          tab.ports.lock.request(name, options, hold).catch(reject)
        }),
    }
    return { store, lock }
  }

  const one = await world.signIn(world.tab, { overrides: processOf(world.tab) })
  await clock.advance(late)
  const other = world.browser.openTab()
  const two = world.client(other, processOf(other))
  await two.start()
  await clock.advance(900_000)
  return Object.assign(world, { one, two })
}

/** Lets everything happen that needs no time. */
async function settle({ clock }: World): Promise<void> {
  for (let round = 0; round < 50; round += 1) await clock.settle()
}

describe('when localStorage is slower than Web Locks', () => {
  test('a tab does not send the refresh token that another one used a moment ago', async () => {
    const world = await twoProcesses()
    const token = await world.one.getAccessToken()
    const second = world.two.getAccessToken()
    await settle(world)
    await world.clock.advance(100)
    expect(await second).toBe(token)
    expect(sentTokens(world)).toHaveLength(1)
  })

  test('a refresh does not overwrite the sign-out of another tab of a moment ago', async () => {
    const world = await twoProcesses()
    const held = world.server.hold('/token')
    const call = failure(world.one.getAccessToken())
    await world.until(() => held.count)
    await world.two.signOut({ redirect: false, revoke: false })
    held.release()
    await settle(world)
    await world.clock.advance(100)
    expect(await call).toMatchObject({ code: 'session_ended' })
    for (const client of [world.one, world.two]) {
      expect(client.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    }
  })
})
