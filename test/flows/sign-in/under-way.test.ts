import { describe, expect, test } from 'vitest'
import { createWorld, rejection, usualSessionKey } from '../../support/world.ts'

describe('sign-ins under way', () => {
  test('that are abandoned are kept for an hour, twenty at most (A-85)', async () => {
    const world = createWorld()
    const auth = world.client()
    for (let time = 0; time < 25; time += 1) {
      await auth.createAuthorizationUrl({ appState: time })
      await world.clock.advance(1)
    }
    const kept = [...world.transactions().values()].map((transaction) => transaction['appState'])
    expect(kept).toHaveLength(20)
    expect(Math.min(...(kept as number[]))).toBe(5)
    await world.clock.advance(3_599_000)
    await auth.createAuthorizationUrl()
    expect(world.transactions().size).toBe(20)
    await world.clock.advance(3_600_000)
    await auth.createAuthorizationUrl()
    expect(world.transactions().size).toBe(1)
  })

  test('can be several at once; each comes back to its own', async () => {
    const world = createWorld()
    const tabs = [world.tab, world.browser.openTab()]
    const callbacks: string[] = []
    for (const [index, tab] of tabs.entries()) {
      callbacks.push(await world.depart(tab, { params: { appState: index } }))
    }
    const results = [
      await world.load(tabs[1]!, callbacks[1]!).start(),
      await world.load(tabs[0]!, callbacks[0]!).start(),
    ]
    expect(results.map(({ appState }) => appState)).toEqual([1, 0])
  })

  test.each([
    ['not JSON', () => '{'],
    ['null', () => 'null'],
    ['a list', () => '[]'],
    ['a text', () => '"x"'],
    ['without a verifier', (text: string) => text.replace('"verifier"', '"verified"')],
    [
      'with a number for a verifier',
      (text: string) => text.replace(/"verifier":"[^"]*"/, '"verifier":7'),
    ],
    ['with null for a time', (text: string) => text.replace(/"createdAt":\d+/, '"createdAt":null')],
    [
      'with a verifier from a prototype',
      (text: string) => text.replace('"verifier"', '"__proto__":{},"constructor"'),
    ],
    ['without a time', (text: string) => text.replace(/"createdAt":\d+/, '"createdAt":"now"')],
    ['five megabytes', () => 'x'.repeat(5_000_000)],
  ])('edited to be %s are ignored (A-75)', async (_, edit) => {
    const world = createWorld()
    const callback = await world.depart()
    const [[name]] = [...world.transactions()] as [[string, object]]
    world.browser.local.set(name, edit(world.browser.local.get(name)!))
    const auth = world.load(world.tab, callback)
    expect(await rejection(auth.start())).toMatchObject({ code: 'transaction_not_found' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
    world.browser.local.delete(name)
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test.each([
    ['another issuer', 'issuer', 'https://attacker.example'],
    ['another client', 'clientId', 'another-client'],
  ])('edited to be of %s are refused (C-21, C-35, A-09)', async (_, member, value) => {
    const world = createWorld()
    const callback = await world.depart()
    const [[name, transaction]] = [...world.transactions()] as [[string, object]]
    world.browser.local.set(name, JSON.stringify({ ...transaction, [member]: value }))
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ code: 'callback_invalid' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })

  test.each(['{', 'null', '[]', '{"v":0}', '{"__proto__":{"sid":"x"}}', 'x'.repeat(5_000_000)])(
    'a session edited to be %.20s means signed out, and nothing throws (A-75)',
    async (text) => {
      const world = createWorld()
      world.browser.local.set(usualSessionKey, text)
      const auth = world.client()
      expect(await auth.start()).toEqual({ kind: 'restored', session: { status: 'signed-out' } })
    },
  )
})
