import { describe, expect, test } from 'vitest'
import { ServerClient } from '../../src/server/index.ts'
import type { ServerClientOptions } from '../../src/server/index.ts'
import { askSession, createWebApp, origin } from '../support/web-app.ts'

const right: ServerClientOptions = {
  issuer: 'https://login.example.com',
  clientId: 'my-web-app',
  baseUrl: origin,
  secret: 'a secret of this app that nobody guesses',
}

test.each<[string, unknown, string]>([
  ['issuer', 'http://login.example.com', 'issuer must be an absolute https URL'],
  [
    'issuer',
    'https://login.example.com/.well-known/openid-configuration',
    'leave off "/.well-known/openid-configuration"',
  ],
  ['clientId', '', 'clientId must be a non-empty string'],
  ['baseUrl', 'https://app.example.com/app', 'baseUrl must be the origin of the app'],
  ['baseUrl', 'http://app.example.com', 'baseUrl must be the origin of the app'],
  ['secret', 'short', 'secret must be a random string of at least 32 characters'],
  ['secret', [], 'secret must be a random string of at least 32 characters'],
  ['secret', ['short', right.secret], 'secret must be a random string of at least 32 characters'],
  ['secret', [{ length: 40 }], 'secret must be a random string of at least 32 characters'],
  ['clientAuthentication', 'a secret', 'clientAuthentication must be what clientSecret()'],
  ['sessions', null, 'sessions must be a store of sessions, such as memorySessions()'],
  ['sessions', {}, 'sessions must be a store of sessions, such as memorySessions()'],
  ['basePath', 'auth', 'basePath must be a path of baseUrl'],
  ['basePath', '//evil.example', 'basePath must be a path of baseUrl'],
  ['basePath', ['/auth'], 'basePath must be a path of baseUrl'],
  ['basePath', '/auth?a=1', 'basePath must be a path of baseUrl'],
  ['basePath', '/au th', 'basePath must be a path of baseUrl'],
  ['redirectUri', 'https://app.example.com/callback', 'redirectUri must be a path of baseUrl'],
  ['idleTimeout', 0, 'idleTimeout must be a positive number of seconds'],
  ['lifetime', Infinity, 'lifetime must be a positive number of seconds'],
  ['cookie', { sameSite: 'none' }, "sameSite must be 'strict' or 'lax'"],
  ['cookie', { name: 'a b' }, 'name must be letters, digits'],
  ['cookie', { name: ['a'] }, 'name must be letters, digits'],
  ['cookie', { httpOnly: false }, 'There is no option httpOnly'],
  [
    'proxy',
    { '/api/': 'https://api.example.com/' },
    'proxy must be paths that end in a slash, with https URLs that resources lists',
  ],
  ['proxy', { '/': 'https://api.example.com/' }, 'proxy must be paths'],
  ['refreshEndpoint', 1, 'refreshEndpoint must be true or false'],
  ['owner', 'u17', 'owner must be a function'],
  ['sesions', {}, 'There is no option sesions'],
])('the option %s cannot be %j', (name, value, message) => {
  const make = () => new ServerClient({ ...right, [name]: value })
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  expect(make).toThrow(message)
})

test('a secret of exactly 32 characters will do, and a baseUrl with a slash', () => {
  const options = { ...right, secret: 'x'.repeat(32), baseUrl: `${origin}/` }
  expect(new ServerClient(options)).toBeInstanceOf(ServerClient)
})

describe('the option proxy', () => {
  const make = (proxy: Record<string, string>) =>
    new ServerClient({ ...right, proxy, resources: ['https://api.example.com/v1'] })

  test.each(['https://api.example.com/v1', 'https://api.example.com/v1/users/'])(
    'can lead to %s, which a resource covers',
    (target) => {
      expect(make({ '/api/': target })).toBeInstanceOf(ServerClient)
    },
  )

  test.each([
    ['/api/', 'https://api.example.com/'],
    ['/api/', 'https://api.example.com/v10/'],
    ['/api/', 'https://elsewhere.example/v1/'],
    ['/api/', 'http://api.example.com/v1/'],
    ['/api/', 'no URL'],
    ['/api', 'https://api.example.com/v1/'],
    ['api/', 'https://api.example.com/v1/'],
    ['/', 'https://api.example.com/v1/'],
    ['//evil.example/', 'https://api.example.com/v1/'],
  ])('cannot lead from %s to %s', (prefix, target) => {
    expect(() => make({ [prefix]: target })).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining(
          `proxy must be paths that end in a slash, with https URLs that resources lists; it is {"${prefix}":"${target}"}`,
        ) as string,
      }),
    )
  })
})

test('a secret that is refused is not shown', () => {
  expect(() => new ServerClient({ ...right, secret: 'hunter2' })).toThrow(/^(?!.*hunter2)/)
})

test.each([
  ['HEAD', '/auth/callback?code=1&state=2', 'GET'],
  ['GET', '/auth/logout', 'POST'],
  ['POST', '/auth/session', 'GET'],
  ['DELETE', '/auth/login', 'GET'],
])('%s %s is answered with 405', async (method, path, allow) => {
  const { auth } = createWebApp()
  const answer = await auth.handle(new Request(origin + path, { method }))
  expect([answer?.status, answer?.headers.get('allow')]).toEqual([405, allow])
})

test('everything else is left to the app', async () => {
  const { auth } = createWebApp()
  for (const path of ['/', '/auth', '/auth/', '/auth/login/', '/authentication', '/AUTH/login'])
    expect(await auth.handle(new Request(origin + path))).toBeUndefined()
  // Unless the option refreshEndpoint says otherwise.
  const refresh = new Request(`${origin}/auth/refresh_token`, { method: 'POST' })
  expect(await auth.handle(refresh)).toBeUndefined()
})

test('routes and redirects can be elsewhere', async () => {
  const clients = [
    {
      clientId: 'my-web-app',
      redirectUris: [`${origin}/signed-in`],
      postLogoutRedirectUris: [`${origin}/bye`],
    },
  ]
  const app = createWebApp({
    options: {
      basePath: '/account/',
      redirectUri: '/signed-in',
      postSignOutRedirectUri: '/bye',
      clientAuthentication: undefined,
      cookie: { name: 'shop' },
    },
    server: { clients },
  })
  const visitor = app.visit()
  await visitor.goto('/account/login?returnTo=/basket')
  expect((await visitor.signIn()).url).toBe(`${origin}/basket`)
  expect(visitor.jar.list().map(({ name }) => name)).toContain('__Host-Http-shop')
  const session = (await (await visitor.fetch('/account/session')).json()) as { csrf: string }
  const headers = { 'x-csrf-token': session.csrf }
  const answer = await visitor.fetch('/account/logout', { method: 'POST', headers })
  const { location } = (await answer.json()) as { location: string }
  expect((await visitor.goto(location)).url).toBe(`${origin}/bye`)
})

test('a server that takes pushed authorization requests only gets them pushed', async () => {
  const app = createWebApp({
    options: { metadata: { require_pushed_authorization_requests: true } },
  })
  const visitor = app.visit()
  await visitor.goto('/auth/login')
  await visitor.signIn()
  expect(app.server.requestsTo('/par')).toHaveLength(1)
  expect(await askSession(visitor)).toMatchObject({ status: 'signed-in' })
})

test('a page asks for a stronger sign-in; a link of another site cannot', async () => {
  const app = createWebApp()
  const visitor = app.visit()
  await visitor.goto('/')
  await visitor.follow('/auth/login?acr_values=mfa&max_age=0&login_hint=ada&ui_locales=de')
  const asked = new URL(visitor.page.url).searchParams
  expect(Object.fromEntries(asked)).toMatchObject({
    acr_values: 'mfa',
    max_age: '0',
    login_hint: 'ada',
    ui_locales: 'de',
  })
  const elsewhere = visitor.openTab('https://evil.example/')
  await elsewhere.follow(
    `${origin}/auth/login?acr_values=low&scope=openid+orders:write&returnTo=/me`,
  )
  const begun = new URL(elsewhere.page.url).searchParams
  expect(begun.has('acr_values')).toBe(false)
  expect(begun.get('scope')).toBe('openid profile offline_access')
})

test('a wrong parameter of the login route is a clear error, and not sent on', async () => {
  const app = createWebApp()
  const page = await app.visit().goto('/auth/login?max_age=soon')
  expect([page.status, page.text.includes('invalid_option')]).toEqual([400, true])
})

test.each(['//evil.example/', 'https://evil.example/', '/\\evil.example', 'javascript:alert(1)'])(
  'nobody is sent to %s after signing in',
  async (returnTo) => {
    const app = createWebApp()
    const visitor = app.visit()
    await visitor.goto(`/auth/login?returnTo=${encodeURIComponent(returnTo)}`)
    expect((await visitor.signIn()).url).toBe(`${origin}/`)
  },
)

test('a route of the app signs the user out, and is guarded like our own', async () => {
  const app = createWebApp()
  const visitor = app.visit()
  await visitor.goto('/auth/login')
  await visitor.signIn()
  const { csrf = '' } = await askSession(visitor)
  const cookie = visitor.jar.header(new URL(origin))!
  const headers = { cookie, 'sec-fetch-site': 'same-origin' }
  const without = await app.auth.signOut(new Request(`${origin}/bye`, { method: 'POST', headers }))
  expect(without.status).toBe(403)
  const init = { method: 'POST', headers: { ...headers, 'x-csrf-token': csrf } }
  const answer = await app.auth.signOut(new Request(`${origin}/bye`, init), { redirect: false })
  expect(await answer.json()).toEqual({ location: `${origin}/` })
  expect(await askSession(visitor)).toEqual({ status: 'signed-out', reason: 'signed-out' })
})

test('sessions in memory are fine for one process, and an event says so', async () => {
  const heard: string[] = []
  const auth = new ServerClient(right)
  auth.on('sessions-in-memory', ({ message }) => heard.push(message))
  await Promise.resolve()
  expect(heard).toEqual([expect.stringContaining('a restart ends them')])
  auth.close()
})

test('a token that is not ours is asked about at the server', async () => {
  const app = createWebApp()
  const visitor = app.visit()
  await visitor.goto('/auth/login')
  await visitor.signIn()
  expect(await app.auth.introspect('not a token')).toEqual({ active: false })
})
