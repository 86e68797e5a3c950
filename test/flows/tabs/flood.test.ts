import { expect, test } from 'vitest'
import type { Store } from '../../../src/index.ts'
import { anotherTab, signedInTab, usualSessionKey } from '../../support/world.ts'

test('20,000 forged messages make a tab look at its store a few times, and what is true is seen (E10)', async () => {
  const world = await signedInTab()
  const tab = world.browser.openTab()
  let reads = 0
  const { get } = tab.ports.store
  const store: Store = { ...tab.ports.store, get: (name) => ((reads += 1), get(name)) }
  const { auth } = await anotherTab(world, { ...tab.ports, store })
  const forger = world.browser.openTab().ports.channel.open(usualSessionKey, () => undefined)
  const before = reads
  for (let round = 0; round < 200; round += 1) {
    for (let message = 0; message < 100; message += 1) forger.post('forged')
    await world.clock.advance(5)
  }
  expect(reads - before).toBeLessThan(300)
  // The message that counts comes in the middle of the flood.
  for (let message = 0; message < 100; message += 1) forger.post('forged')
  await world.auth.signOut({ redirect: false })
  await world.clock.advance(200)
  expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  for (let message = 0; message < 100; message += 1) forger.post('forged')
  await world.clock.settle()
  for (const client of [auth, world.auth]) client.close()
  expect(world.clock.timers).toBe(0)
})
