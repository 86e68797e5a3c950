import { afterEach, describe, expect, inject, test } from 'vitest'
import { countsOf, startApp, until } from './machines.ts'
import type { App } from './machines.ts'

/** `npm run test:machines` has twenty. */
const rounds = Number(process.env['MACHINE_ROUNDS'] ?? 2)
const tokenLifetime = 900_000

let app: App
afterEach(() => app.close())

describe.each(['redis', 'postgres'] as const)('three machines that share %s', (name) => {
  const store = inject(name)

  test(
    'refresh once for three hundred requests, however often the token expires',
    { timeout: 20_000 * rounds },
    async () => {
      app = await startApp({ store })
      const cookie = await app.signIn()
      for (let round = 1; round <= rounds; round += 1) {
        await Promise.all(app.machines.map(({ tell }) => tell({ ahead: round * tokenLifetime })))
        expect(countsOf(await Promise.all(app.requests(cookie, 100)))).toEqual({ 200: 300 })
        expect(app.refreshes()).toHaveLength(round)
      }
      expect(app.server.revoked).toEqual([])
    },
  )

  test('go on within the lease and a second when the one that refreshes is killed', async () => {
    app = await startApp({ store, reuseGraceSeconds: 60 })
    const { survivors, holder } = await killTheHolder()
    const answers = await Promise.all(survivors)
    expect(countsOf(answers)).toEqual({ 200: 20 })
    expect(Math.max(...answers.map(({ took }) => took))).toBeLessThan(6_000)
    expect(app.refreshes()).toHaveLength(2)
    expect(app.senderOf(1)).not.toBe(holder)
    expect(app.server.revoked).toEqual([])
  })

  test('know that the session is lost when the server forgives no second use of what the killed one sent', async () => {
    app = await startApp({ store })
    const { cookie, survivors } = await killTheHolder()
    expect(countsOf(await Promise.all(survivors))).toEqual({ 401: 20 })
    expect(app.refreshes()).toHaveLength(2)
    const [machine] = app.machines.filter(({ number }) => number !== app.senderOf(0))
    const later = await machine!.ask('/me', { headers: { cookie } })
    expect(JSON.parse(later.text)).toEqual({
      status: 'signed-out',
      reason: 'refresh-response-lost',
    })
    const next = await app.signIn([machine!, machine!])
    expect((await machine!.ask('/me', { headers: { cookie: next } })).status).toBe(200)
  })

  test.each(['before', 'after'] as const)(
    'one that is stopped %s its note that it sends, and woken after its lease, sends no spent token',
    async (moment) => {
      app = await startApp({ store })
      const cookie = await app.signIn()
      const [stopped, ...others] = app.machines
      await expire()
      await stopped!.tell({ stops: moment })
      const its = stopped!.ask('/me', { headers: { cookie } })
      await until(stopped!.isStopped)
      const answers = others.flatMap(({ ask }) =>
        Array.from({ length: 10 }, () => ask('/me', { headers: { cookie } })),
      )
      expect(countsOf(await Promise.all(answers))).toEqual({ 200: 20 })
      stopped!.wake()
      expect((await its).status).toBe(200)
      expect(app.refreshes()).toHaveLength(1)
      expect(app.server.revoked).toEqual([])
    },
  )

  test('with clocks an hour apart, sign nobody out', async () => {
    app = await startApp({ store })
    const [slow, right, fast] = app.machines
    await slow!.tell({ ahead: -3_600_000 })
    await fast!.tell({ ahead: 3_600_000 })
    for (const pair of [
      [slow!, fast!],
      [fast!, slow!],
      [right!, slow!],
    ] as const) {
      const cookie = await app.signIn([...pair])
      for (let round = 0; round < 2; round += 1) {
        expect(countsOf(await Promise.all(app.requests(cookie, 10)))).toEqual({ 200: 30 })
        app.server.expireAccessTokens()
      }
    }
    expect(app.server.revoked).toEqual([])
  })
})

const expire = () => Promise.all(app.machines.map(({ tell }) => tell({ ahead: tokenLifetime })))

/** Kills the machine whose token request the server has taken and not answered. */
async function killTheHolder() {
  const cookie = await app.signIn()
  await expire()
  const held = app.server.hold('/token')
  const asked = app.requests(cookie, 10)
  await until(() => app.refreshes().length === 1)
  const holder = app.senderOf(0)
  const lost = asked.slice(holder * 10, holder * 10 + 10)
  const gone = Promise.allSettled(lost)
  await app.machines[holder]!.kill()
  await gone
  held.release()
  return { cookie, holder, survivors: asked.filter((one) => !lost.includes(one)) }
}
