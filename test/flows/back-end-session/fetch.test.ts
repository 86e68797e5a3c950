import { expect, test } from 'vitest'
import { rejection } from '../../support/world.ts'
import { createBackEndWorld, hear, refusal, signedInAtBackEnd } from '../../support/back-end.ts'

test('what changes something carries the CSRF token, what only reads does not', async () => {
  const { auth, requests } = await signedInAtBackEnd()
  const answer = await auth.fetch('/api/orders', { method: 'POST', body: 'tea' })
  expect(await answer.json()).toEqual({ user: 'ada', body: 'tea' })
  await auth.fetch('/api/me')
  await auth.fetch(new URL('https://app.example.com/api/me'), { method: 'HEAD' })
  await auth.fetch(new Request('https://app.example.com/api/me', { method: 'DELETE' }))
  expect(requests.map(({ method, csrf, mode }) => [method, csrf, mode])).toEqual([
    ['POST', 'csrf-1', 'same-origin'],
    ['GET', null, 'cors'],
    ['HEAD', null, 'cors'],
    ['DELETE', 'csrf-1', 'same-origin'],
  ])
})

test('headers of the call stay as they are', async () => {
  const world = await signedInAtBackEnd()
  let headers: Headers | undefined
  world.instead = (request) => void (headers = request.headers)
  const body = JSON.stringify({ title: 'tea' })
  await world.auth.fetch('/api/orders', {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-csrf-token': 'mine' },
    body,
  })
  expect(headers!.get('content-type')).toBe('application/json')
  expect(headers!.get('x-csrf-token')).toBe('csrf-1')
})

test.each([
  'https://api.example.com/me',
  'https://app.example.com.evil.example/api',
  'https://app.example.com@evil.example/api',
  'http://app.example.com/api',
  '//evil.example/api',
  'data:text/plain,hello',
])('%s is another origin, and gets nothing', async (url) => {
  const { auth, requests } = await signedInAtBackEnd()
  expect(await rejection(auth.fetch(url, { method: 'POST' }))).toMatchObject({
    code: 'resource_not_allowed',
  })
  expect(requests).toEqual([])
})

test.each([
  ['/api', true],
  ['/api/', true],
  ['/api?page=2', true],
  ['/api/me', true],
  ['/apiary', false],
  ['/', false],
  ['/api/../admin', false],
  ['/api/%2e%2e/admin', false],
])('with resources, %s is listed: %s', async (path, isListed) => {
  const { auth, requests } = await signedInAtBackEnd({ resources: ['/api/'] })
  const work = auth.fetch(path)
  if (isListed) await work
  else expect(await rejection(work)).toMatchObject({ code: 'resource_not_allowed' })
  expect(requests).toHaveLength(isListed ? 1 : 0)
})

test('a call before start() waits until it is known who is signed in', async () => {
  const world = createBackEndWorld()
  world.signIn()
  await world.client().fetch('/api/orders', { method: 'POST', body: 'tea' })
  expect(world.requests.map(({ path, csrf }) => [path, csrf])).toEqual([
    ['/auth/session', null],
    ['/api/orders', 'csrf-1'],
  ])
})

test('a refusal of the back end turns out to be the end of the session', async () => {
  const world = await signedInAtBackEnd()
  const heard = hear(world.auth)
  world.visitor = undefined
  world.reason = 'ended-by-server'
  const calls = ['/api/a', '/api/b', '/api/c'].map((path) => rejection(world.auth.fetch(path)))
  for (const error of await Promise.all(calls))
    expect(error).toMatchObject({
      code: 'session_ended',
      sessionEnded: true,
      message: 'The session is over (ended-by-server); sign in again.',
    })
  expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
  expect(heard.map(({ name }) => name)).toEqual([
    'session-changed',
    'signed-out',
    'sign-in-required',
  ])
  expect(world.paths().filter((path) => path.includes('session'))).toHaveLength(1)
})

test('somebody who is signed out may call what is for everybody, and is told what is not', async () => {
  const world = createBackEndWorld()
  const auth = world.client()
  await auth.start()
  world.instead = ({ url }) => (url.endsWith('/public') ? Response.json('news') : undefined)
  expect(await (await auth.fetch('/api/public')).json()).toBe('news')
  expect(await rejection(auth.fetch('/api/me'))).toMatchObject({ code: 'sign_in_required' })
})

test('a 401 of an API behind the back end is for the caller', async () => {
  const { auth, paths } = await signedInAtBackEnd()
  const response = await auth.fetch('/api/refused')
  expect(response.status).toBe(401)
  expect(await response.json()).toEqual({ error: 'invalid_token' })
  expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
  expect(paths()).toEqual(['GET /api/refused'])
})

test.each<[string, (url: string) => Parameters<typeof fetch>]>([
  ['a text', (url) => [url, { method: 'POST', body: 'tea' }]],
  ['a Request with a body', (url) => [new Request(url, { method: 'POST', body: 'tea' })]],
])(
  'a CSRF token from before another sign-in is replaced, and %s is sent again',
  async (_, call) => {
    const world = await signedInAtBackEnd()
    world.signIn()
    const response = await world.auth.fetch(...call('https://app.example.com/api/orders'))
    expect(await response.json()).toEqual({ user: 'ada', body: 'tea' })
    expect(world.requests.map(({ path, csrf }) => [path, csrf])).toEqual([
      ['/api/orders', 'csrf-1'],
      ['/auth/session', null],
      ['/api/orders', 'csrf-2'],
    ])
  },
)

test('a stream cannot be sent twice: the caller gets the refusal, and may try again', async () => {
  const world = await signedInAtBackEnd()
  world.signIn()
  const send = () => {
    const body = new Blob(['tea']).stream()
    const init = { method: 'POST', body, duplex: 'half' }
    return world.auth.fetch('/api/orders', init)
  }
  expect((await send()).status).toBe(403)
  expect((await send()).status).toBe(200)
})

test('what Ada wanted is not done as Grace', async () => {
  const world = await signedInAtBackEnd()
  world.signIn('grace')
  const response = await world.auth.fetch('/api/orders', { method: 'POST', body: 'tea' })
  expect(response.status).toBe(403)
  expect(world.auth.getSession()).toMatchObject({ claims: { sub: 'grace' } })
  expect(world.paths()).toEqual(['POST /api/orders', 'GET /auth/session'])
})

test('a back end that refuses again is asked no more', async () => {
  const world = await signedInAtBackEnd()
  world.instead = ({ method }) => (method === 'POST' ? refusal(403, 'csrf_rejected') : undefined)
  const response = await world.auth.fetch('/api/orders', { method: 'POST' })
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({ error: 'csrf_rejected' })
  expect(world.paths()).toHaveLength(3)
})

test('an old browser, of whose requests nobody knows where they come from, proves it with every one', async () => {
  const world = await signedInAtBackEnd()
  world.instead = ({ url, headers }) =>
    url.includes('/api/') && headers.get('x-csrf-token') !== 'csrf-1'
      ? refusal(403, 'csrf_rejected')
      : undefined
  expect((await world.auth.fetch('/api/me')).status).toBe(200)
})

test('an aborted call ends its wait, and what the request rejects with passes through', async () => {
  const world = await signedInAtBackEnd()
  const controller = new AbortController()
  world.instead = ({ url }) => (url.includes('session') ? new Promise(() => {}) : undefined)
  world.visitor = undefined
  const call = rejection(world.auth.fetch('/api/me', { signal: controller.signal }))
  await world.clock.settle()
  controller.abort(new Error('never mind'))
  expect(await call).toBe(controller.signal.reason)

  const failure = new TypeError('Failed to fetch')
  world.instead = () => Promise.reject(failure)
  expect(await rejection(world.auth.fetch('/api/me'))).toBe(failure)
})
