import { describe, expect, it } from 'vitest'
import { createAuthServer, createFakeBrowser, createFakeClock } from '../../src/testing/index.ts'

const app = { clientId: 'my-app', redirectUris: ['https://app.example.com/callback'] }

// Test runners do not look at types, and a test whose misbehaviour never happens passes.
describe('a mistake in a test is told at once', () => {
  it('a fault nobody knows', () => {
    for (const name of ['network-eror', 'constructor', ''] as never[])
      expect(() => createAuthServer().fault(name)).toThrow(`There is no fault ${String(name)}`)
  })

  it('an option nobody knows', () => {
    const options = { accesTokenLifetime: 60 } as object
    expect(() => createAuthServer(options)).toThrow('no option accesTokenLifetime')
  })

  it('an option of a client nobody knows', () => {
    const client = { clientId: 'my-app', redirectUri: 'https://app.example.com/callback' }
    const options = { clients: [client] } as object
    expect(() => createAuthServer(options)).toThrow('A client has no option redirectUri')
  })

  it.each([
    [{ accessTokenFormat: 'jwt' }, 'accessTokenFormat must be one of "opaque", "HS256", "RS256"'],
    [{ idTokenAlg: 'HS256' }, 'idTokenAlg must be one of "RS256", "PS256", "ES256"'],
    [{ rotation: 'never' }, 'rotation must be one of true, false, "until-used"'],
    [{ clients: { clientId: 'my-app' } }, 'clients must be an array'],
    [{ clients: [{ ...app, kind: 'public' }] }, 'kind must be one of "internal", "external"'],
    [{ clients: [{ ...app, scopes: 'openid email' }] }, 'scopes must be an array'],
    [{ clients: [{ clientId: 'my-app' }] }, 'redirectUris must be an array'],
  ])('a value that is none: %j', (options: object, complaint) => {
    expect(() => createAuthServer(options)).toThrow(complaint)
  })

  it('an origin with a path, which no page has', () => {
    const clients = [{ ...app, allowedOrigins: ['https://app.example.com/'] }]
    const complaint = 'https://app.example.com/: an origin is a scheme, a host and a port, no more'
    expect(() => createAuthServer({ clients })).toThrow(complaint)
  })

  it('a person who is to do what nobody knows', async () => {
    const how = { user: 'grace' } as object
    const signIn = createAuthServer().authorize('https://login.example.com/authorize', how)
    await expect(signIn).rejects.toThrow('authorize has no option user')
  })

  it('a port nobody knows', async () => {
    const how = { prot: 9000 } as object
    await expect(createAuthServer().listen(how)).rejects.toThrow('listen has no option prot')
  })

  it('a fault at a moment or by a method that never comes', () => {
    const server = createAuthServer()
    const signin = { on: 'signin' } as object
    expect(() => server.fault('id-token-bad-signature', signin)).toThrow(
      'on must be one of "sign-in", "refresh"; it is "signin"',
    )
    expect(() => server.fault('network-error', { path: '/token', method: 'post' })).toThrow(
      'A method is in capitals, as POST is; it is post.',
    )
  })

  it('a step of the token endpoint at another path', () => {
    const options = { path: '/userinfo', on: 'refresh' } as const
    for (const name of ['respond', 'html-200'] as const)
      expect(() => createAuthServer().fault(name, options)).toThrow(
        'Only the path /token can have the option "on"; the path is /userinfo.',
      )
  })

  it.each([
    ['token-refused', { as: 'invalid_token' }, 'as must be one of "400 invalid_grant", '],
    ['user-info-jwt', { seal: 'brokn' }, 'seal must be one of "key", "none", '],
  ] as const)('%s in a way nobody knows', (name, options, complaint) => {
    expect(() => createAuthServer().fault(name, options as object)).toThrow(complaint)
  })

  it('a storage that fails in a way nobody knows', () => {
    const browser = createFakeBrowser()
    expect(() => browser.failStorage('write' as never)).toThrow(
      'failStorage must be one of "get", "set", "all"; it is "write"',
    )
    browser.failStorage()
  })

  it('an option of the fake browser nobody knows', () => {
    const options = { orgin: 'https://shop.example' } as object
    expect(() => createFakeBrowser(options)).toThrow('createFakeBrowser has no option orgin')
  })

  it.each([new Date(0), { seed: 7 }, NaN])('a fake clock that begins at %s', (start) => {
    const complaint = 'A fake clock begins at a number of milliseconds since 1970'
    expect(() => createFakeClock(start as number)).toThrow(complaint)
  })

  it.each(['token', 'https://login.example.com/token', ''])('%j for a path', (path) => {
    const server = createAuthServer()
    const complaint = `must begin with a slash, as /token does; it is ${JSON.stringify(path)}`
    expect(() => server.fault('network-error', { path })).toThrow(complaint)
    expect(() => server.hold(path)).toThrow(complaint)
    expect(() => server.requestsTo(path)).toThrow(complaint)
  })

  it('a user nobody knows', async () => {
    expect(() => createAuthServer().revokeSessions('Ada')).toThrow('There is no user Ada')
  })
})
