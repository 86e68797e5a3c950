import { expect, test } from 'vitest'
import { logEvents } from '../src/index.ts'
import { createWorld } from './support/world.ts'

test('one line shows what a sign-in and a call do, without secrets (N5)', async () => {
  const world = createWorld()
  const callback = await world.depart()
  const auth = world.load(world.tab, callback)
  const lines: unknown[][] = []
  const stop = logEvents(auth, { log: (...values) => lines.push(values) })

  await auth.start()
  await auth.refresh()
  await auth.signOut({ redirect: false })
  const names = lines.map(([who, name]) => `${String(who)} ${String(name)}`)
  expect(names).toContain('pkce-client signed-in')
  expect(names).toContain('pkce-client request')
  expect(names).toContain('pkce-client token-refreshed')
  expect(names).toContain('pkce-client signed-out')
  const text = JSON.stringify(lines)
  for (const { body } of world.server.requestsTo('/token')) {
    const sent = new URLSearchParams(body)
    for (const name of ['code', 'code_verifier', 'refresh_token']) {
      if (sent.get(name)) expect(text).not.toContain(sent.get(name))
    }
  }

  stop()
  const before = lines.length
  await auth.start().catch(() => {})
  await auth.signOut({ redirect: false })
  expect(lines).toHaveLength(before)
})

test('the result can be written to the console as it is (N5)', () => {
  const stop = logEvents(createWorld().client(), console)
  expect(stop).toBeTypeOf('function')
  stop()
})
