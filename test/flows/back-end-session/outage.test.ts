import { expect, test } from 'vitest'
import { rejection } from '../../support/world.ts'
import { createBackEndWorld, hear, signedInAtBackEnd } from '../../support/back-end.ts'

const offline = () => Promise.reject(new TypeError('Failed to fetch'))

test('a page that opens offline does not know who is signed in until the back end can be reached', async () => {
  const world = createBackEndWorld()
  world.signIn()
  world.instead = offline
  const auth = world.client()
  const heard = hear(auth)
  let started = false
  const start = auth.start().finally(() => (started = true))
  await world.clock.advance(30_000)
  expect(auth.getSession()).toEqual({ status: 'unknown' })
  expect(started).toBe(false)
  // At once, and after growing pauses.
  expect(world.requests.length).toBeGreaterThan(3)
  expect(world.requests.length).toBeLessThan(8)
  expect(heard[0]).toMatchObject({
    name: 'refresh-failed',
    facts: { error: { code: 'network', retryable: true } },
  })

  world.instead = undefined
  await world.clock.advance(60_000)
  expect((await start).session).toMatchObject({ status: 'signed-in' })
})

test('the network comes back, and the page asks at once', async () => {
  const world = createBackEndWorld()
  world.instead = offline
  const start = world.client().start()
  await world.clock.advance(20_000)
  world.instead = undefined
  const { length } = world.requests
  world.tab.wake()
  expect((await start).session).toEqual({ status: 'signed-out' })
  expect(world.requests).toHaveLength(length + 1)
})

test.each([503, 429])('a back end that answers %i is asked again', async (status) => {
  const world = createBackEndWorld()
  world.instead = () => Response.json({ error: 'storage_unavailable' }, { status })
  const start = world.client().start()
  await world.until(() => world.requests.length > 0)
  world.instead = undefined
  await world.clock.advance(2000)
  expect((await start).session).toEqual({ status: 'signed-out' })
})

test.each([
  ['a page of the app', () => new Response('<!doctype html>'), 200],
  ['404', () => new Response('Not found', { status: 404 }), 404],
  ['JSON of somebody else', () => Response.json({ ok: true }), 200],
])('%s in place of a session: start() says what to look at', async (_, instead, status) => {
  const world = createBackEndWorld({ basePath: '/sign/in' })
  world.instead = instead
  const auth = world.client()
  expect(await rejection(auth.start())).toMatchObject({
    code: 'server_error',
    retryable: false,
    message: `https://app.example.com/sign/in/session answered ${status} and nothing usable; is ServerClient.handle() mounted there, and basePath right?`,
  })
  expect(auth.getSession()).toEqual({ status: 'unknown' })
  world.instead = () => Response.json({ status: 'signed-out' })
  expect((await auth.start()).session).toEqual({ status: 'signed-out' })
})

test('a back end that never answers is given up after 15 seconds', async () => {
  const world = await signedInAtBackEnd()
  world.instead = ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const refresh = rejection(world.auth.refresh())
  await world.clock.advance(15_000)
  expect(await refresh).toMatchObject({ code: 'timeout', retryable: true })
  expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
})

test('offline, a user who is signed in stays so, and a guard says what is wrong', async () => {
  const world = await signedInAtBackEnd()
  world.instead = offline
  await world.clock.advance(10_000)
  world.tab.wake()
  await world.clock.settle()
  expect(await world.auth.requireSession()).toBe(world.auth.getSession())
  const other = world.client(world.browser.openTab())
  expect(await rejection(other.requireSession())).toMatchObject({ code: 'network' })
  expect(await rejection(other.fetch('/api/me'))).toMatchObject({ code: 'network' })
})

test('a sign-out that does not reach the back end is none', async () => {
  const world = await signedInAtBackEnd()
  world.instead = offline
  expect(await rejection(world.auth.signOut())).toMatchObject({ code: 'network', retryable: true })
  expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
  expect(world.tab.navigations).toEqual([])
  world.instead = undefined
  await world.auth.signOut()
  expect(world.auth.getSession()).toMatchObject({ status: 'signed-out' })
})

test('a connection that is lost in the middle of the answer is the network, and not the back end', async () => {
  const world = await signedInAtBackEnd()
  world.instead = () =>
    new Response(
      new ReadableStream({
        start(stream) {
          stream.enqueue(new TextEncoder().encode('{"status":'))
          stream.error(new TypeError('terminated'))
        },
      }),
    )
  expect(await rejection(world.auth.refresh())).toMatchObject({ code: 'network', retryable: true })
})
