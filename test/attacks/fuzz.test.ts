import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PkceClient } from '../../src/index.ts'
import { createCookieJar } from '../../src/testing/index.ts'
import { fuzz, fuzzTimeout, json, outcome, spoiled, text } from '../support/fuzz.ts'
import { refreshes, usersMe } from '../support/refreshes.ts'
import { callbackUri, createWorld, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

// FUZZ_RUNS=100000 npx vitest run test/attacks/fuzz

/** Ada is as signed in as before, and can be renewed. */
async function expectStillThere(world: World): Promise<void> {
  world.server.clearFaults()
  const auth = world.load(world.tab, '/')
  await auth.start()
  expect(auth.getSession()).toMatchObject({ status: 'signed-in', claims: { sub: 'user-ada' } })
  await world.clock.advance(300_000)
  expect(await auth.refresh()).toMatchObject({ status: 'signed-in', stale: false })
}

describe('whatever arrives', { timeout: fuzzTimeout }, () => {
  it('in the address of a callback: typed errors, and nobody loses a session (A-14 to A-19)', async () => {
    const names = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'response']
    const tokens = ['access_token', 'id_token', 'refresh_token', '__proto__', 'session_state']
    const pair = fc.tuple(fc.constantFrom(...names, ...tokens), text)
    const encode = (pairs: [string, string][]) =>
      pairs
        .map(([name, value]) => `${name}=${encodeURIComponent(value.replace(/\p{Cs}/gu, ''))}`)
        .join('&')
    const query = fc.oneof(fc.array(pair, { maxLength: 6 }).map(encode), text)
    const input = fc.record({ keep: fc.boolean(), query, fragment: fc.option(query) })
    const world = await signedInTab()
    await fc.assert(
      fc.asyncProperty(input, async ({ keep, query, fragment }) => {
        const person = { jar: createCookieJar(), username: 'grace' }
        const callback = new URL(await world.depart(world.tab, { person }))
        const own = keep
          ? `${callback.search.slice(1)}&`
          : `state=${callback.searchParams.get('state')!}&`
        const url = `${callbackUri}?${own}${query}${fragment === null ? '' : `#${fragment}`}`
        const auth = world.load(world.tab, url)
        const error = await outcome(auth.start())
        expect(auth.getSession().status).toBe('signed-in')
        if (error) expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-ada' } })
        await outcome(auth.handleCallback(url))
        if (!error) await world.signIn(world.tab, { person: { jar: createCookieJar() } })
        await world.clock.advance(60_001)
      }),
      fuzz(60),
    )
  })

  const members = [
    'access_token',
    'token_type',
    'refresh_token',
    'id_token',
    'expires_in',
    'scope',
    'error',
  ]
  const good = { access_token: 'a', token_type: 'Bearer', expires_in: 60, refresh_token: 'r' }
  const body = fc.oneof(
    json,
    text,
    spoiled(members),
    spoiled(members).map((some) => ({ ...good, ...some })),
  )
  const status = fc.constantFrom(200, 200, 201, 204, 302, 400, 401, 403, 418, 429, 500, 503)
  const type = fc.constantFrom('application/json', 'text/html', 'application/jwt', '', 'a/b;c="')
  const answer = fc.record({ body, status, type })

  it('in a token answer: a sign-in is refused, and the one before lives on (A-56, A-61 to A-66)', async () => {
    const world = await signedInTab()
    await fc.assert(
      fc.asyncProperty(answer, async ({ body, status, type }) => {
        const person = { jar: createCookieJar(), username: 'grace' }
        const callback = await world.depart(world.tab, { person })
        const headers = { 'content-type': type }
        world.server.fault('respond', { path: '/token', body, status, headers })
        const auth = world.load(world.tab, callback)
        // With openid in the scope, nothing without a signed ID token can be right.
        expect(await outcome(auth.start())).toBeDefined()
        await expectStillThere(world)
      }),
      fuzz(60),
    )
  })

  it('in the answer to a refresh: the session ends if the server says so, and never otherwise', async () => {
    const ends = ['invalid_grant', 'interaction_required', 'login_required', 'consent_required']
    await fc.assert(
      fc.asyncProperty(answer, async ({ body, status, type }) => {
        const world = await signedInTab()
        await world.clock.advance(900_000)
        const headers = { 'content-type': type }
        world.server.fault('respond', { path: '/token', body, status, headers })
        await outcome(world.auth.refresh())
        const { error, id_token } = (body ?? {}) as Record<string, unknown>
        const session = world.auth.getSession()
        if (!ends.includes(error as string) && typeof id_token !== 'string')
          expect(session.status).toBe('signed-in')
        expect(refreshes(world).length).toBeLessThanOrEqual(2)
      }),
      fuzz(60),
    )
  })

  it('in the claims of an ID token: signed in as the right person, or refused (C-52 to C-65)', async () => {
    const names = ['iss', 'sub', 'aud', 'exp', 'iat', 'nonce', 'azp', 'auth_time', 'at_hash', 'acr']
    const world = createWorld()
    await fc.assert(
      fc.asyncProperty(spoiled(names), async (claims) => {
        world.server.fault('id-token-claims', { set: claims })
        world.tab.gesture = true
        const auth = world.load(world.tab, await world.depart())
        const error = await outcome(auth.start())
        const session = auth.getSession()
        expect(session.status).toBe(error ? 'signed-out' : 'signed-in')
        if (session.status === 'signed-in')
          expect(session.claims?.sub).toMatch(/^[\x20-\x7e]{1,255}$/)
        world.server.clearFaults()
        await auth.signOut({ redirect: false })
        world.browser.local.clear()
      }),
      fuzz(60),
    )
  })

  it('as an ID token: refused (A-67)', async () => {
    const part = fc.oneof(
      text,
      json.map((value) => btoa(encodeURIComponent(JSON.stringify(value)))),
    )
    const header = spoiled(['alg', 'kid', 'typ', 'crit', 'jwk', 'jku', 'x5u', 'b64']).map((value) =>
      btoa(encodeURIComponent(JSON.stringify({ alg: 'RS256', ...value }))),
    )
    const token = fc.oneof(
      json,
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
      fc.tuple(header, part, part).map((parts) => parts.join('.')),
    )
    const world = createWorld()
    await fc.assert(
      fc.asyncProperty(token, async (value) => {
        const stop = world.server.fault('id-token-garbage', { value })
        const auth = world.load(world.tab, await world.depart())
        expect(await outcome(auth.start())).toBeDefined()
        expect(auth.getSession()).toEqual({ status: 'signed-out' })
        expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
        stop()
        await world.clock.advance(60_001)
      }),
      fuzz(60),
    )
  })

  it('in metadata: refused, or used where it is harmless (A-26, A-27)', async () => {
    const names = [
      ...['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'],
      ...['revocation_endpoint', 'end_session_endpoint', 'code_challenge_methods_supported'],
      ...[
        'id_token_signing_alg_values_supported',
        'authorization_response_iss_parameter_supported',
      ],
    ]
    const path = '/.well-known/openid-configuration'
    // What JSON can say and nothing can make text of.
    const noText = { toString: 1, valueOf: 1 }
    await fc.assert(
      fc.asyncProperty(fc.oneof(spoiled(names), json), fc.boolean(), async (value, whole) => {
        const world = createWorld()
        if (whole) world.server.fault('respond', { path, body: value })
        else world.server.fault('metadata', { patch: Object(value) as Record<string, unknown> })
        const auth = world.client()
        let left: URL | undefined
        const error = await outcome(auth.createAuthorizationUrl().then(({ url }) => (left = url)))
        if (!error) expect(left!.protocol).toBe('https:')
        await outcome(auth.signOut())
        expect(auth.getSession().status).toBe('signed-out')
        world.server.clearFaults()
        expect(await outcome(auth.createAuthorizationUrl())).toBeUndefined()
      }),
      {
        ...fuzz(60),
        examples: names.map((name): [unknown, boolean] => [{ [name]: [noText] }, false]),
      },
    )
  })

  it('in a key set: nobody is signed in by a key that is none (A-69)', async () => {
    const key = fc.oneof(
      json,
      spoiled(['kty', 'n', 'e', 'kid', 'use', 'alg', 'key_ops', 'crv', 'x', 'y', 'd', 'k']).map(
        (some) => ({ kty: 'RSA', ...some }),
      ),
    )
    const world = createWorld()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.array(key, { maxLength: 4 }).map((keys) => ({ keys })),
          json,
          text,
        ),
        async (body) => {
          const stop = world.server.fault('respond', { path: '/jwks', body })
          const auth = world.load(world.tab, await world.depart())
          expect(await outcome(auth.start())).toBeDefined()
          expect(auth.getSession()).toEqual({ status: 'signed-out' })
          stop()
          await world.clock.advance(60_001)
        },
      ),
      fuzz(60),
    )
  })

  it('in WWW-Authenticate of an API: an answer for the caller, and one refresh at most (A-74)', async () => {
    const piece = fc.constantFrom(
      ...['Bearer ', 'Basic ', 'DPoP ', 'error', '=', '"', '\\', ',', ' ', '\t', 'invalid_token'],
      ...['insufficient_scope', 'realm', 'YII=', ';', '\u00e9', 'scope="a b"', 'error="x"'],
    )
    const header = fc.oneof(
      fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
      fc.string({
        unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(header, { minLength: 1, maxLength: 3 }), async (challenge) => {
        const world = await signedInTab()
        await world.clock.advance(60_000)
        world.server.fault('api-401', { challenge })
        expect((await world.auth.fetch(usersMe)).status).toBe(401)
        expect(refreshes(world).length).toBeLessThanOrEqual(1)
        expect(world.server.requestsTo('/users/me').length).toBeLessThanOrEqual(2)
        expect(world.auth.getSession().status).toBe('signed-in')
      }),
      fuzz(40),
    )
  })

  it('in userinfo: the claims of this person, or a typed error', async () => {
    const world = await signedInTab()
    const claims = fc.oneof(json, text, spoiled(['sub', 'name', 'iss']))
    await fc.assert(
      fc.asyncProperty(claims, status, type, async (body, status, type) => {
        const headers = { 'content-type': type }
        const stop = world.server.fault('respond', { path: '/userinfo', body, status, headers })
        let sub: unknown
        const asked = world.auth.getUserInfo().then((info) => (sub = info.sub))
        if (!(await outcome(asked))) expect(sub).toBe('user-ada')
        expect(world.auth.getSession().status).toBe('signed-in')
        stop()
      }),
      fuzz(60),
    )
  })

  it('out of storage: signed in, or signed out, and the next sign-in works (A-75)', async () => {
    const world = await signedInTab()
    const [key, stored] = [...world.browser.local].find(([name]) => !name.includes('|tx|'))!
    const record = JSON.parse(stored) as Record<string, unknown>
    const edited = fc.oneof(
      text,
      json.map((value) => JSON.stringify(value)),
      spoiled(Object.keys(record)).map((some) => JSON.stringify({ ...record, ...some })),
      spoiled(['token', 'type', 'obtainedAt', 'expiresAt']).map((some) =>
        JSON.stringify({
          ...record,
          access: { default: { ...(record['access'] as { default: object }).default, ...some } },
        }),
      ),
      spoiled(['unknown', 'failures', 'notBefore']).map((pending) =>
        JSON.stringify({ ...record, pending }),
      ),
    )
    await fc.assert(
      fc.asyncProperty(edited, async (value) => {
        world.browser.local.set(key, value)
        const auth = world.load(world.tab, '/')
        expect(await outcome(auth.start())).toBeUndefined()
        expect(auth.getSession().status).toMatch(/^signed-(?:in|out)$/)
        await outcome(auth.refresh())
        await outcome(auth.fetch(usersMe))
        await outcome(auth.signOut({ redirect: false }))
        expect(auth.getSession().status).toBe('signed-out')
        expect(await outcome(world.signIn())).toBeUndefined()
      }),
      fuzz(60),
    )
  })

  it('out of a stored sign-in: finished or refused, and nothing sent elsewhere (A-75, A-77)', async () => {
    const world = createWorld()
    const names = ['mode', 'createdAt', 'issuer', 'clientId', 'redirectUri', 'scope', 'verifier']
    const others = ['nonce', 'maxAge', 'resource', 'server', 'returnTo', 'appState', 'taken']
    const edit = fc.oneof(spoiled([...names, ...others]), json)
    await fc.assert(
      fc.asyncProperty(edit, async (some) => {
        const callback = await world.depart()
        for (const [name, transaction] of world.transactions()) {
          const whole = typeof some === 'object' && some !== null && !Array.isArray(some)
          world.browser.local.set(name, JSON.stringify(whole ? { ...transaction, ...some } : some))
        }
        const auth = world.load(world.tab, callback)
        let returnTo: string | undefined
        await outcome(auth.start().then((result) => (returnTo = result.returnTo)))
        if (returnTo !== undefined) expect(new URL(returnTo).origin).toBe('https://app.example.com')
        expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
        world.browser.local.clear()
        await world.clock.advance(60_001)
      }),
      { ...fuzz(60), examples: [[{ resource: -1 }]] },
    )
  })

  it('in the options and the parameters of a sign-in: taken, or refused by name (C-11, C-12)', async () => {
    const { options, tab } = createWorld()
    const names = Object.keys({ ...options, resources: 0, metadata: 0, timeout: 0, sessionKey: 0 })
    const params = [
      'scope',
      'prompt',
      'maxAge',
      'resource',
      'extraParams',
      'returnTo',
      'redirectUri',
    ]
    await fc.assert(
      fc.asyncProperty(spoiled(names), spoiled(params), async (some, asked) => {
        const auth = new PkceClient({ ...options, ...tab.ports })
        await outcome(auth.createAuthorizationUrl(asked))
        const make = () => new PkceClient({ ...options, ...tab.ports, ...some })
        await outcome(Promise.resolve().then(make))
      }),
      fuzz(200),
    )
  })
})
