import { afterEach, describe, expect, test } from 'vitest'
import { startPostgres, startRedis } from '../../support/database-servers.ts'
import { countsOf, startApp } from './machines.ts'
import type { DatabaseServer } from '../../support/database-servers.ts'
import type { App } from './machines.ts'

const tokenLifetime = 900_000
/** Milliseconds. `npm run test:machines` has a minute. */
const outage = Number(process.env['MACHINE_OUTAGE'] ?? 3_000)

let app: App
let database: DatabaseServer
afterEach(async () => {
  await app.close()
  await database.stop()
})

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const ask = (cookie: string, number = 0) =>
  app.machines[number]!.ask('/me', { headers: { cookie } })

/** Asks until the machine has found its store again. */
async function askUntilItIsBack(cookie: string) {
  for (let tries = 0; tries < 50; tries += 1) {
    const answer = await ask(cookie)
    if (answer.status !== 503) return answer
    await pause(100)
  }
  throw new Error('The machine did not find its store again.')
}

describe('Redis is restarted', () => {
  test('with its data: requests fail with a clear answer and go on afterwards, and nobody is signed out', async () => {
    database = await startRedis({ keepsData: true })
    app = await startApp({ store: database.url })
    const cookie = await app.signIn()
    await database.kill()
    const refused = await ask(cookie)
    expect([refused.status, JSON.parse(refused.text)]).toEqual([
      503,
      { code: 'storage_unavailable' },
    ])
    expect(refused.took).toBeLessThan(6_000)
    await database.start()
    expect((await askUntilItIsBack(cookie)).status).toBe(200)
    expect(app.server.revoked).toEqual([])
  })

  test('without its data: users are signed out, and sign in again', async () => {
    database = await startRedis()
    app = await startApp({ store: database.url })
    const cookie = await app.signIn()
    await database.kill()
    await database.start()
    const answer = await askUntilItIsBack(cookie)
    expect([answer.status, JSON.parse(answer.text)]).toEqual([401, { status: 'signed-out' }])
    expect((await ask(await app.signIn())).status).toBe(200)
  })
})

describe.each([
  ['Redis', () => startRedis({ keepsData: true })],
  ['PostgreSQL', startPostgres],
])('%s is gone for a while, with withFallback', (_, startDatabase) => {
  test(
    'those who are known go on, nothing is refreshed, and what ended meanwhile has ended',
    { timeout: outage + 60_000 },
    async () => {
      database = await startDatabase()
      app = await startApp({ store: database.url, fallback: true })
      const [ada, leaving] = [await app.signIn(), await app.signIn()]
      await Promise.all([...app.requests(ada, 1), ...app.requests(leaving, 1)])
      await database.kill()

      const meanwhile = await Promise.all(app.requests(ada, 20))
      expect(countsOf(meanwhile)).toEqual({ 200: 60 })
      expect(Math.max(...meanwhile.map(({ took }) => took))).toBeLessThan(6_000)
      const arrived = await app.signIn([app.machines[0]!, app.machines[0]!])
      expect((await ask(arrived)).status).toBe(200)
      expect((await app.signOut(leaving, app.machines[0]!)).status).toBe(200)
      expect((await ask(leaving)).status).toBe(401)
      await app.machines[1]!.tell({ ahead: tokenLifetime })
      expect((await ask(ada, 1)).status).toBe(503)
      expect(app.refreshes()).toEqual([])

      await pause(outage)
      await database.start()
      await pause(3_000)
      for (const number of [0, 1, 2]) {
        expect((await ask(ada, number)).status).toBe(200)
        expect((await ask(arrived, number)).status).toBe(200)
        expect((await ask(leaving, number)).status).toBe(401)
      }
      expect(app.refreshes()).toHaveLength(2)
      expect(app.server.revoked.filter(({ reason }) => reason !== 'revoked-by-client')).toEqual([])
    },
  )
})
