import { expect, test, vi } from 'vitest'
import { memorySessions } from '../../src/server/index.ts'
import { createWebApp, origin, requestOf } from '../support/web-app.ts'

/** An app whose store counts how often it is read, and takes a moment for it. */
function appOfCrowds() {
  const memory = memorySessions()
  const counts = { get: 0, touch: 0 }
  const sessions = {
    ...memory,
    async get(key: string) {
      counts.get += 1
      await new Promise((resolve) => setImmediate(resolve))
      return memory.get(key)
    },
    touch(key: string, ttl: number) {
      counts.touch += 1
      return memory.touch(key, ttl)
    },
  }
  return { ...createWebApp({ options: { sessions } }), counts }
}

test('a page that sends 50 requests at once reads the session twice, not 50 times', async () => {
  const { auth, counts, visit } = appOfCrowds()
  const visitor = visit()
  await visitor.goto('/me')
  await visitor.signIn()
  counts.get = 0
  const crowd = Array.from({ length: 50 }, () => auth.session(requestOf(visitor)))
  const answers = await Promise.all(crowd)
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill('signed-in'))
  expect(counts.get).toBeLessThanOrEqual(2)
})

test('a request that comes while another one reads sees what has happened in between', async () => {
  const { auth, startMachine, visit, server } = appOfCrowds()
  const visitor = visit()
  await visitor.goto('/me')
  await visitor.signIn()
  const request = () => requestOf(visitor)
  const ended = await startMachine().session(request())
  const early = auth.session(request())
  if (ended.status === 'signed-in') await startMachine().endSessions({ sub: server.users[0]!.sub })
  const late = await auth.session(request())
  expect((await early).status).toMatch(/^signed-/)
  expect(late.status).toBe('signed-out')
})

test('requests one after the other move the idle timeout once; after some seconds without any, again', async () => {
  const { auth, clock, counts, visit } = appOfCrowds()
  const visitor = visit()
  await visitor.goto('/me')
  await visitor.signIn()
  await clock.advance(5000)
  Object.assign(counts, { get: 0, touch: 0 })
  for (const pause of [0, 1000, 4999]) {
    await clock.advance(pause)
    expect((await auth.session(requestOf(visitor))).status).toBe('signed-in')
  }
  expect(counts).toEqual({ get: 3, touch: 1 })
  await clock.advance(5000)
  await auth.session(requestOf(visitor))
  expect(counts).toEqual({ get: 4, touch: 2 })
})

test('the cookie of a visitor is hashed when the visitor signs in, and again once a thousand others have come since', async () => {
  const { auth, visit } = createWebApp()
  const visitor = visit()
  await visitor.goto('/me')
  await visitor.signIn()
  const digest = vi.spyOn(crypto.subtle, 'digest')
  const hashes = () => digest.mock.calls.filter(([name]) => name === 'SHA-512').length
  const come = async () => (await auth.session(requestOf(visitor))).status
  for (let times = 0; times < 3; times += 1) expect(await come()).toBe('signed-in')
  expect(hashes()).toBe(0)
  const others = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      const cookie = `__Host-Http-pkce=${String(n).padStart(43, '_')}`
      await auth.session(new Request(origin, { headers: { cookie } }))
    }
  }
  await others(999)
  expect(await come()).toBe('signed-in')
  expect(hashes()).toBe(999)
  await others(1000)
  expect(await come()).toBe('signed-in')
  expect(hashes()).toBe(1001)
})
