import { describe, expect, it } from 'vitest'
import { authorizationUrl, exchange, production, strictServer } from '../support.ts'
import { createCookieJar } from '../../../src/testing/index.ts'
import type { Deliver, FaultName, LogoutDelivery } from '../../../src/testing/index.ts'

const [clientId, uri] = ['back-end', 'https://app.example.com/auth/backchannel-logout']
const at = { client_id: clientId, redirect_uri: production.redirectUri }

/** Ada is signed in to an app that wants to be told. */
async function signedIn(answer: Deliver = () => new Response(null)) {
  const received: Request[] = []
  const server = strictServer({
    clients: [
      {
        clientId,
        redirectUris: [production.redirectUri],
        kind: 'internal',
        backChannelLogoutUri: uri,
      },
      { clientId: 'other', redirectUris: [production.redirectUri], kind: 'internal' },
    ],
    deliver(request) {
      received.push(request.clone())
      return answer(request)
    },
  })
  const jar = createCookieJar()
  const callback = await server.authorize(authorizationUrl(server, at), { jar })
  const code = new URL(callback).searchParams.get('code')!
  const tokens = (await (await exchange(server, code, at)).json()) as Record<string, string>
  const { sid, sub } = claimsOf(tokens['id_token']!)
  return { server, received, jar, tokens, sid: sid as string, sub: sub as string }
}

const part = (token: string, at: number) =>
  JSON.parse(Buffer.from(token.split('.')[at]!, 'base64url').toString()) as Record<string, unknown>
async function isSigned(server: ReturnType<typeof strictServer>, token: string): Promise<boolean> {
  const answer = await server.fetch(`${server.issuer}/jwks`)
  const { keys } = (await answer.json()) as { keys: [JsonWebKey] }
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('jwk', keys[0], algorithm, false, ['verify'])
  const [header, claims, signature] = token.split('.')
  const bytes = Buffer.from(signature!, 'base64url')
  return crypto.subtle.verify(algorithm, key, bytes, Buffer.from(`${header}.${claims}`))
}

const claimsOf = (token: string) => part(token, 1)

describe('an app is told that somebody signed out', () => {
  it('by a form with a logout token that the keys of the server signed', async () => {
    const { server, received, sid, sub } = await signedIn()
    const [told] = await server.endSession({ sid })
    expect(told).toMatchObject({ clientId, status: 200 })
    const [request] = received
    expect([request!.method, request!.url]).toEqual(['POST', uri])
    const token = new URLSearchParams(await request!.text()).get('logout_token')!
    expect(token).toBe(told!.token)
    expect(await isSigned(server, token)).toBe(true)
    const now = Math.floor(server.clock.now() / 1000)
    expect(part(token, 0)).toMatchObject({ alg: 'RS256', typ: 'logout+jwt' })
    expect(claimsOf(token)).toEqual({
      iss: server.issuer,
      aud: clientId,
      iat: now,
      exp: now + 120,
      jti: expect.any(String) as string,
      sub,
      sid,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
  })

  it('when a user signs out at the server', async () => {
    const { server, received, jar, tokens } = await signedIn()
    const url = `${server.issuer}/end_session?id_token_hint=${tokens['id_token']}`
    expect((await server.withCookies(jar)(url)).status).toBe(200)
    expect(received).toHaveLength(1)
  })

  it('for every session of a user', async () => {
    const { server, sub } = await signedIn()
    const callback = await server.authorize(authorizationUrl(server, at))
    await exchange(server, new URL(callback).searchParams.get('code')!, at)
    expect(await server.endSession({ sub })).toHaveLength(2)
    expect(await server.endSession({ sub })).toEqual([])
  })

  it('only if it wants to know, and took part', async () => {
    const { server, jar, received, sid } = await signedIn()
    const other = { ...at, client_id: 'other' }
    await server.authorize(authorizationUrl(server, other), { jar })
    const elsewhere = await server.authorize(authorizationUrl(server, other))
    await exchange(server, new URL(elsewhere).searchParams.get('code')!, other)
    expect(await server.endSession({ sid })).toHaveLength(1)
    expect(received).toHaveLength(1)
  })

  it('and the refresh token of the session is gone', async () => {
    const { server, sid } = await signedIn()
    await server.endSession({ sid })
    expect(server.revoked).toMatchObject([{ clientId, reason: 'signed-out' }])
    await expect(server.endSession({ sid })).rejects.toThrow('There is no session')
  })

  it.each<[string, Deliver, number]>([
    ['fails', () => new Response(null, { status: 503 }), 503],
    ['has nothing there', () => undefined, 404],
    ['cannot be reached', () => Promise.reject(new TypeError('fetch failed')), 0],
  ])('the test learns what an app answered that %s', async (_, answer, status) => {
    const { server, sid } = await signedIn(answer)
    expect(await server.endSession({ sid })).toMatchObject([{ status }])
  })
})

it('the metadata say so, where there is a way to tell', async () => {
  const read = async (server: ReturnType<typeof strictServer>) =>
    (await (
      await server.fetch(`${server.issuer}/.well-known/openid-configuration`)
    ).json()) as object
  const supported = {
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  }
  expect(await read((await signedIn()).server)).toMatchObject(supported)
  expect(await read(strictServer())).not.toHaveProperty('backchannel_logout_supported')
})

const goes = (token: string) => claimsOf(token)
const bad: [FaultName, (token: string) => unknown, unknown][] = [
  ['logout-token-alg-none', (token) => [part(token, 0)['alg'], token.split('.')[2]], ['none', '']],
  ['logout-token-alg-other', (token) => part(token, 0)['alg'], 'ES256'],
  ['logout-token-iss-wrong', (token) => goes(token)['iss'], 'https://attacker.example'],
  ['logout-token-aud-wrong', (token) => goes(token)['aud'], 'another-client'],
  ['logout-token-events-missing', (token) => goes(token)['events'], undefined],
  [
    'logout-token-events-wrong',
    (token) => goes(token)['events'],
    { 'https://example.com/other': {} },
  ],
  ['logout-token-nonce', (token) => goes(token)['nonce'], 'a nonce'],
  ['logout-token-typ', (token) => part(token, 0)['typ'], 'at+jwt'],
]

it.each(bad)('a logout token with the fault %s', async (fault, look, expected) => {
  const { server, sid } = await signedIn()
  server.fault(fault as 'logout-token-nonce')
  const [told] = (await server.endSession({ sid })) as [LogoutDelivery]
  expect(look(told.token)).toEqual(expected)
})

it('a logout token with other claims, or a broken signature', async () => {
  const { server, sid } = await signedIn()
  server.fault('logout-token-claims', { set: { jti: 'the same' }, remove: ['sid'] })
  server.fault('logout-token-bad-signature')
  const [told] = (await server.endSession({ sid })) as [LogoutDelivery]
  expect(claimsOf(told.token)).toMatchObject({ jti: 'the same' })
  expect(claimsOf(told.token)).not.toHaveProperty('sid')
  expect(await isSigned(server, told.token)).toBe(false)
})
