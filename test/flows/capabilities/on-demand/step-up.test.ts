import { describe, expect, test } from 'vitest'
import { StepUpError, isPkceClientError, signInOnDemand } from '../../../../src/index.ts'
import type { PkceClientError, SignInParams } from '../../../../src/index.ts'
import { api } from '../../../support/api-calls.ts'
import { failure, refreshes, usersMe } from '../../../support/refreshes.ts'
import { onDemandWorld, whoAmI } from '../../../support/on-demand.ts'
import type { OnDemandOptions, OnDemandWorld } from '../../../support/on-demand.ts'
import { rejection } from '../../../support/world.ts'

const orders = `${api}/orders`
const stronger =
  'Bearer error="insufficient_user_authentication", acr_values="mfa pwd", max_age="5"'

async function signedIn(options: OnDemandOptions = {}): Promise<OnDemandWorld> {
  const world = await onDemandWorld(options)
  await world.signInFirst()
  return world
}

/** The API answers so, to the next calls or for ever. */
const demands = (
  world: OnDemandWorld,
  { status = 401, challenge = stronger, ...times }: Demanded = {},
) =>
  world.server.fault('respond', {
    path: '/users/me',
    status,
    headers: {
      'www-authenticate': challenge,
    },
    ...times,
  })

interface Demanded {
  status?: number
  challenge?: string
  times?: number
}

const scopeOf = (url: URL | undefined) => url?.searchParams.get('scope')?.split(' ')

describe('an API that asks for a stronger sign-in (RFC 9470)', () => {
  test('gets one, and no refresh is tried (C-20)', async () => {
    const world = await signedIn()
    demands(world, { times: 1 })
    expect(await whoAmI(world.auth.fetch(usersMe))).toBe('user-ada')
    expect(world.windows).toHaveLength(1)
    expect(world.windows[0]!.searchParams.get('acr_values')).toBe('mfa pwd')
    expect(world.windows[0]!.searchParams.get('max_age')).toBe('5')
    expect(refreshes(world)).toEqual([])
  })

  test('five calls at once: one sign-in, five answers', async () => {
    const world = await signedIn()
    demands(world, { times: 5 })
    const calls = [1, 2, 3, 4, 5].map(() => whoAmI(world.auth.fetch(usersMe)))
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['user-ada']))
    expect(world.windows).toHaveLength(1)
  })

  test('a call whose refusal comes after the sign-in is sent again without another one', async () => {
    const world = await signedIn()
    demands(world, { times: 2 })
    const held = world.server.hold('/users/me')
    const late = whoAmI(world.auth.fetch(usersMe))
    await world.until(() => held.count)
    const other = world.auth.fetch(`${usersMe}?first`)
    await world.until(() => held.count === 2)
    held.release()
    expect(await whoAmI(other)).toBe('user-ada')
    expect(await late).toBe('user-ada')
    expect(world.windows).toHaveLength(1)
  })

  test('that asks again for the same gets no third request: its second answer is returned (C-20)', async () => {
    const world = await signedIn()
    demands(world)
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(world.windows).toHaveLength(1)
    expect(world.server.requestsTo('/users/me')).toHaveLength(2)
  })

  test('the app is told what is wanted by a typed error, which it may throw (C-94)', async () => {
    const world = await signedIn({
      ask: (_, error) => {
        throw error
      },
    })
    demands(world)
    const error = (await rejection(world.auth.fetch(usersMe))) as StepUpError
    expect(error).toBeInstanceOf(StepUpError)
    expect(isPkceClientError(error)).toBe(true)
    expect(error).toMatchObject({
      name: 'StepUpError',
      code: 'step_up_required',
      retryable: false,
      sessionEnded: false,
      acrValues: 'mfa pwd',
      maxAge: 5,
      scope: undefined,
    })
    expect(world.windows).toEqual([])
    expect(refreshes(world)).toEqual([])
  })

  test('without the capability, the 401 is returned and nothing else happens (C-20)', async () => {
    const world = await signedIn({ overrides: { use: [] } })
    demands(world)
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(world.windows).toEqual([])
    expect(refreshes(world)).toEqual([])
  })

  test('somebody else signs in: session_ended, and nothing is sent for them (A-88)', async () => {
    const world = await signedIn()
    demands(world, { times: 1 })
    world.user = { username: 'grace' }
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ code: 'session_ended' })
    expect(world.server.requestsTo('/users/me')).toHaveLength(1)
  })

  test('a stream that was read cannot be sent again: the answer is returned', async () => {
    const world = await signedIn()
    demands(world)
    const init = { method: 'POST', body: new Blob(['brass']).stream(), duplex: 'half' }
    expect((await world.auth.fetch(usersMe, init as RequestInit)).status).toBe(401)
    expect(world.windows).toEqual([])
  })

  test('a challenge that CORS hides is returned', async () => {
    const world = await signedIn()
    demands(world)
    world.server.fault('no-expose-headers')
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(world.windows).toEqual([])
  })
})

describe('a challenge that asks for nothing a sign-in could bring is returned', () => {
  const cases: [string, number, string][] = [
    ['no values', 401, 'Bearer error="insufficient_user_authentication"'],
    ['no scope', 403, 'Bearer error="insufficient_scope"'],
    ['scope that is none', 403, 'Bearer error="insufficient_scope", scope="a\\"b"'],
    [
      'a max_age that is none',
      401,
      'Bearer error="insufficient_user_authentication", max_age="-1"',
    ],
    ['another error', 403, 'Bearer error="invalid_request", scope="orders:read"'],
    ['no error', 403, 'Bearer scope="orders:read"'],
    ['another scheme’s words', 403, 'Basic realm="api"'],
    ['200', 200, stronger],
    ['429', 429, stronger],
  ]
  test.each(cases)('%s', async (_, status, challenge) => {
    const world = await signedIn()
    demands(world, { status, challenge })
    expect((await world.auth.fetch(usersMe)).status).toBe(status)
    expect(world.windows).toEqual([])
  })

  test('after a redirect to a place that is not listed', async () => {
    const elsewhere = new Response(null, { status: 401, headers: { 'www-authenticate': stronger } })
    Object.defineProperty(elsewhere, 'redirected', { value: true })
    Object.defineProperty(elsewhere, 'url', { value: 'https://evil.example/' })
    const world = await signedIn()
    const fetch: typeof globalThis.fetch = (url, init) =>
      url === usersMe ? Promise.resolve(elsewhere) : world.server.fetch(url, init)
    const auth = world.load(world.tab, '/', { fetch, use: [signInOnDemand()] })
    expect(await auth.fetch(usersMe)).toBe(elsewhere)
    expect(world.tab.navigations).toEqual([])
  })
})

describe('an API that asks for more scope (RFC 6750 §3.1)', () => {
  test('the sign-in asks for what there was, and for that', async () => {
    const world = await signedIn()
    const answer = await world.auth.fetch(orders)
    expect(answer.status).toBe(200)
    expect(scopeOf(world.windows[0])).toEqual([
      'openid',
      'profile',
      'offline_access',
      'orders:read',
    ])
    expect(world.auth.getSession()).toMatchObject({
      scope: 'openid profile offline_access orders:read',
    })
    expect(refreshes(world)).toEqual([])
  })

  test('what was granted on the way is not lost by the next', async () => {
    const world = await signedIn()
    await world.auth.fetch(orders)
    const answer = await world.auth.fetch(orders, { method: 'POST', body: '{}' })
    expect(answer.status).toBe(201)
    expect(scopeOf(world.windows[1])).toEqual(
      expect.arrayContaining(['offline_access', 'orders:read', 'orders:write']),
    )
  })

  test('two calls that ask for two things sign in one after the other', async () => {
    let open = 0
    const world = await signedIn({
      window: async ({ url, server }) => {
        open += 1
        expect(open).toBe(1)
        const answer = new URL(await server.authorize(url))
        open -= 1
        return answer
      },
    })
    const answers = await Promise.all([
      world.auth.fetch(orders),
      world.auth.fetch(orders, { method: 'POST', body: '{}' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 201])
    expect(world.windows).toHaveLength(2)
    expect(world.auth.getSession()).toMatchObject({
      scope: expect.stringMatching(/orders:read orders:write/) as string,
    })
  })

  test('that was granted already is refused for another reason: the answer is returned', async () => {
    const world = await signedIn()
    demands(world, { status: 403, challenge: 'Bearer error="insufficient_scope", scope="openid"' })
    expect((await world.auth.fetch(usersMe)).status).toBe(403)
    expect(world.windows).toEqual([])
  })

  test('that the server does not grant is asked for once in a call', async () => {
    const world = await signedIn()
    const challenge = 'Bearer error="insufficient_scope", scope="admin"'
    demands(world, { status: 403, challenge })
    const denied = await rejection(world.auth.fetch(usersMe))
    expect(denied).toMatchObject({ code: 'authorization_denied' })
    expect(world.windows).toHaveLength(1)
  })

  test('the app hears the scope that is missing, and the parameters that ask for all (C-94)', async () => {
    const asked: { params: SignInParams; error: PkceClientError }[] = []
    const world = await signedIn({
      ask: (params, error) => {
        asked.push({ params, error })
        return false
      },
    })
    expect((await world.auth.fetch(orders)).status).toBe(403)
    expect(asked).toMatchObject([
      {
        params: { scope: 'openid profile offline_access orders:read' },
        error: { code: 'step_up_required', scope: 'orders:read', acrValues: undefined },
      },
    ])
  })
})

describe('at an API that demands a stronger sign-in (S-43)', () => {
  const statusOf = async (world: OnDemandWorld, query: string) =>
    (await world.auth.fetch(`${api}/step-up?${query}`)).status

  test('a second factor: one sign-in, and the call is answered; the next needs none', async () => {
    const world = await signedIn()
    expect(await statusOf(world, 'acr_values=mfa')).toBe(200)
    expect(world.auth.getSession()).toMatchObject({ claims: { acr: 'mfa' } })
    expect(await statusOf(world, 'acr_values=mfa')).toBe(200)
    expect(world.windows).toHaveLength(1)
  })

  test('a sign-in that is not too long ago: the user signs in again, and the call is answered', async () => {
    const world = await signedIn()
    await world.clock.advance(600_000)
    expect(await statusOf(world, 'max_age=300')).toBe(200)
    expect(world.windows).toHaveLength(1)
    expect(refreshes(world)).toEqual([])
  })

  test('a scope: it is asked for beside what there was', async () => {
    const world = await signedIn()
    expect(await statusOf(world, 'scope=orders:write')).toBe(200)
    expect(scopeOf(world.windows[0])).toEqual(expect.arrayContaining(['openid', 'orders:write']))
  })

  test('for ever: one sign-in, two requests, and the second answer is returned', async () => {
    const world = await signedIn()
    world.server.fault('insufficient-for-ever', { path: '/step-up' })
    expect(await statusOf(world, 'acr_values=mfa')).toBe(401)
    expect(world.windows).toHaveLength(1)
    expect(world.server.requestsTo('/step-up')).toHaveLength(2)
  })

  test('where CORS hides the challenge, the answer is returned and nobody signs in', async () => {
    const world = await signedIn()
    world.server.fault('challenge-hidden')
    expect(await statusOf(world, 'acr_values=mfa')).toBe(401)
    expect(world.windows).toEqual([])
  })
})
