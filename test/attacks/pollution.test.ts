import { afterEach, describe, expect, it } from 'vitest'
import { usersMe } from '../support/refreshes.ts'
import { createWorld } from '../support/world.ts'

/**
 * What some library may have written onto `Object.prototype`, by where this client might read it. Two kinds of names are
 * not here. Members of `RequestInit`, such as `method` and `signal`: the fetch of the platform reads them through the
 * prototype itself. And some that may be missing in an answer, an ID token, a stored record or the options of a method, such as `azp`,
 * `signedOut` and `resource`: with them polluted a sign-in is refused, or a session ends.
 */
const names = {
  'an option of the client': [
    ...['issuer', 'clientId', 'redirectUri', 'scope', 'resources', 'metadata', 'sessionKey'],
    ...['authorizationParams', 'timeout', 'store', 'transactionStore'],
    ...['navigator', 'lock', 'channel', 'host', 'clock', 'fetch', 'url'],
  ],
  'an option of a method': [
    ...['prompt', 'loginHint', 'acrValues', 'uiLocales', 'authorizationDetails'],
    ...['extraParams', 'minValidity'],
    ...['revoke', 'replace'],
  ],
  'a member of the metadata': [
    ...['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'],
    ...['revocation_endpoint', 'end_session_endpoint'],
    ...['authorization_response_iss_parameter_supported', 'code_challenge_methods_supported'],
    ...['id_token_signing_alg_values_supported', 'introspection_endpoint'],
  ],
  'a member of a token answer': [
    ...['access_token', 'token_type', 'refresh_token', 'expires_in', 'error_description'],
    ...['authorization_details'],
  ],
  'a parameter of a callback': ['code', 'state', 'iss', 'session_state', 'response', 'error_uri'],
  'a claim': ['auth_time', 'at_hash', 'acr', 'sub', 'aud', 'exp', 'iat', 'typ'],
  'a member of what is stored': [
    ...['v', 'sid', 'gen', 'tokenEndpoint', 'endpoints', 'refreshToken'],
    ...['idToken', 'access', 'default', 'token', 'type', 'obtainedAt', 'expiresAt'],
    ...['unknown', 'failures', 'notBefore', 'mode', 'createdAt', 'verifier', 'server'],
    ...['finished'],
  ],
  'a header': [
    ...['Authorization', 'cookie', 'dpop', 'accept', 'content-type', 'x-evil'],
    ...['www-authenticate', 'retry-after'],
  ],
  'a member of an error': ['cause', 'retryable', 'sessionEnded', 'isPkceClientError'],
}
const cases = Object.entries(names).flatMap(([what, list]) => list.map((name) => ({ what, name })))

const added = new Set<string>()

function pollute(name: string, value: unknown = 'polluted'): void {
  if (Object.hasOwn(Object.prototype, name)) throw new Error(`${name} is there already`)
  added.add(name)
  // As an assignment does it, which for-in sees.
  Object.defineProperty(Object.prototype, name, {
    value,
    ...{ configurable: true, enumerable: true, writable: true },
  })
}

function clean(): void {
  for (const name of added) Reflect.deleteProperty(Object.prototype, name)
  added.clear()
}

afterEach(clean)

/** A whole life of a session, and all that anybody outside the client saw of it. */
async function life(moment: { beforeMaking?: () => void; afterMaking?: () => void }) {
  const world = createWorld({ client: { postSignOutRedirectUri: 'https://app.example.com/' } })
  const sent: unknown[] = []
  const said: unknown[] = []
  const fetch: typeof globalThis.fetch = (input, init) => {
    sent.push(describeRequest(input as string, init ?? {}))
    return world.server.fetch(input, init)
  }
  moment.beforeMaking?.()
  const auth = world.client(world.tab, { fetch })
  moment.afterMaking?.()
  const { url } = await auth.createAuthorizationUrl()
  sent.push([url.origin, fieldsOf(url.searchParams)])
  const answer = await world.server.authorize(url, { jar: world.jar })
  said.push(await auth.handleCallback(answer))
  said.push((await auth.fetch(usersMe)).status)
  said.push((await auth.fetch(usersMe, { headers: { 'x-mine': '1' } })).status)
  said.push((await auth.getAccessToken()).length)
  await world.clock.advance(900_000)
  said.push(await auth.refresh())
  // As another page finds it.
  const next = world.client(world.tab, { fetch })
  said.push(await next.start())
  said.push(await next.getUserInfo())
  said.push(await next.signOut())
  const left = new URL(world.tab.url)
  sent.push([left.origin, fieldsOf(left.searchParams)])
  clean()
  const known = (value: unknown) => JSON.parse(JSON.stringify(value, withoutRandom)) as unknown
  return { sent: known(sent), said: known(said), session: next.getSession() }
}

function withoutRandom(name: string, value: unknown): unknown {
  return ['nonce', 'at_hash', 'sid'].includes(name) ? '' : value
}

/** Each parameter, without the value where it is another each time. */
function fieldsOf(fields: Iterable<[string, string]>): string[][] {
  const random = /^(?:code|state|nonce|code_.*|.*token.*|authorization)$/
  return [...fields].map(([name, value]) => (random.test(name) ? [name] : [name, value]))
}

/** A request as the client means it. */
function describeRequest(url: string, init: RequestInit): unknown {
  const own = Object.fromEntries(Object.entries(init).filter(([name]) => Object.hasOwn(init, name)))
  const body = own['body'] as URLSearchParams | undefined
  return [
    url,
    ...[own['method'], own['redirect'], own['cache'], own['keepalive'], own['credentials']],
    fieldsOf(new Headers(init.headers)),
    body && fieldsOf(body),
  ]
}

describe('something on Object.prototype that is also the name of (A-84)', () => {
  it.each(cases)('$what, $name: nothing is sent or said that would not have been', async (row) => {
    const { name } = row
    const usual = await life({})
    expect(usual.session).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(usual.sent).toHaveLength(12)
    for (const moment of ['beforeMaking', 'afterMaking'] as const)
      expect(await life({ [moment]: () => pollute(name) })).toEqual(usual)
  })
})
