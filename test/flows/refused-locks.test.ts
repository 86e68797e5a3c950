import { expect, test } from 'vitest'
import type { Lock } from '../../src/index.ts'
import { refreshes, usersMe } from '../support/refreshes.ts'
import { createWorld } from '../support/world.ts'

test.each<[string, Lock]>([
  ['rejects', { request: () => Promise.reject(new Error('out of order')) }],
  [
    'throws',
    {
      request() {
        throw new DOMException('The document is not fully active.', 'InvalidStateError')
      },
    },
  ],
])(
  'a page whose lock %s signs in, refreshes once for all calls, and signs out (E10)',
  async (_, lock) => {
    const world = createWorld()
    const auth = await world.signIn(world.tab, { overrides: { lock } })
    await world.clock.advance(900_000)
    const calls = await Promise.all([1, 2, 3].map(() => auth.fetch(usersMe)))
    expect(calls.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(refreshes(world)).toHaveLength(1)
    await auth.signOut({ redirect: false })
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(world.storedSession()).toMatchObject({ signedOut: 'signed-out' })
  },
)
