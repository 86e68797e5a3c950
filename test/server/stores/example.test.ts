import { inject, expect, onTestFinished, test } from 'vitest'
import { createApp } from '../../../examples/server/app.js'
import { createAuth } from '../../../examples/server/auth.js'
import { createLimits } from '../../../examples/server/limits.js'
import { openStore } from '../../../examples/server/stores.js'
import { createAuthServer, createVisitor } from '../../../src/testing/index.ts'
import { startRedis } from '../../support/database-servers.ts'

process.env.REDIS_URL = inject('redis')
process.env.DATABASE_URL = inject('postgres')

test.each(['redis', 'postgres'])(
  'two machines of the server example share sessions and rate limits in %s',
  async (name) => {
    const one = await openStore(name)
    const other = await openStore(name)
    onTestFinished(async () => {
      await Promise.all([one.close(), other.close()])
    })
    expect(await one.sessions.add('example', 'sealed', { ttl: 60_000 })).toBe(true)
    expect(await other.sessions.get('example')).toBe('sealed')

    const limits = { keyPrefix: 'hour', points: 2, duration: 60 }
    await one.limiter(limits).consume('192.0.2.1')
    await other.limiter(limits).consume('192.0.2.1')
    await expect(one.limiter(limits).consume('192.0.2.1')).rejects.toMatchObject({
      remainingPoints: 0,
    })
  },
)

test('a store that is not there is named', async () => {
  process.env.REDIS_URL = 'redis://127.0.0.1:9'
  await expect(openStore('redis')).rejects.toThrow('There is no Redis at redis://127.0.0.1:9')
})

test('while Redis is gone, the user of the server example stays signed in', async () => {
  const baseUrl = 'https://app.example.com'
  const redirectUris = [`${baseUrl}/auth/callback`]
  const server = createAuthServer({
    clients: [{ clientId: 'server-example', kind: 'internal', redirectUris }],
  })
  const redis = await startRedis()
  process.env.REDIS_URL = redis.url
  const { sessions, limiter, close } = await openStore('redis')
  onTestFinished(async () => {
    await close()
    await redis.stop()
  })
  const secret = 'a secret of the tests that is long enough'
  const where = { issuer: server.issuer, api: server.api.url, baseUrl }
  const app = createApp({
    ...where,
    auth: createAuth({ ...where, secret, sessions, fetch: server.fetch }),
    limits: createLimits({ perHour: 50, perDay: 200, limiter }),
    built: 'examples/server/page',
    development: true,
    behindProxy: true,
  })
  const handle = async (request: Request) => {
    const headers = new Headers(request.headers)
    headers.set('host', 'app.example.com')
    headers.set('x-forwarded-for', '192.0.2.1')
    return app.fetch(new Request(request, { headers }))
  }
  const visitor = createVisitor(handle, { origin: baseUrl, server })
  await visitor.goto(`${baseUrl}/auth/login`)
  await visitor.signIn('ada')
  await redis.kill()
  for (const path of ['/', '/profile']) {
    await visitor.goto(baseUrl + path)
    expect(visitor.page.status).toBe(200)
    expect(visitor.page.text).toContain('Signed in as Ada Lovelace')
  }
})
