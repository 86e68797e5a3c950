import { expect, test } from 'vitest'
import { rejection } from '../../support/world.ts'
import { createBackEndWorld, hear, signedInAtBackEnd } from '../../support/back-end.ts'
import type { AuthClient } from '../../../src/index.ts'
import type { BackEndWorld } from '../../support/back-end.ts'

async function signedOutAtBackEnd(options = {}) {
  const world = createBackEndWorld(options)
  const auth = world.client()
  await auth.start()
  return Object.assign(world, { auth })
}

/** Where the page was sent, without waiting for what comes of it. */
async function departure(world: BackEndWorld, work: Promise<unknown>): Promise<URL> {
  const before = world.tab.navigations.length
  const outcome = { error: undefined as unknown }
  work.catch((error: unknown) => (outcome.error = error))
  await world.until(() => world.tab.navigations.length > before || outcome.error)
  if (outcome.error) throw outcome.error
  return new URL(world.tab.navigations.at(-1)!)
}

test('signIn() leaves the page for the sign-in route', async () => {
  const world = await signedOutAtBackEnd()
  const heard = hear(world.auth)
  const url = await departure(world, world.auth.signIn({ returnTo: '/orders?page=2#last' }))
  expect(url.origin + url.pathname).toBe('https://app.example.com/auth/login')
  expect([...url.searchParams]).toEqual([
    ['returnTo', 'https://app.example.com/orders?page=2#last'],
  ])
  expect(heard).toEqual([{ name: 'sign-in-started', facts: { mode: 'redirect' } }])
})

test('what a sign-in asks for has the names of OpenID Connect', async () => {
  const world = await signedOutAtBackEnd({ basePath: '/bff' })
  const url = await departure(
    world,
    world.auth.signIn({
      prompt: 'login',
      loginHint: 'ada@example.com',
      acrValues: 'mfa',
      maxAge: 0,
      uiLocales: 'de en',
      scope: 'openid',
    }),
  )
  expect(url.pathname).toBe('/bff/login')
  expect(Object.fromEntries(url.searchParams)).toEqual({
    prompt: 'login',
    login_hint: 'ada@example.com',
    acr_values: 'mfa',
    max_age: '0',
    ui_locales: 'de en',
    scope: 'openid',
  })
})

test.each(['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)'])(
  'nobody is sent to %s afterwards',
  async (returnTo) => {
    const world = await signedOutAtBackEnd()
    expect((await departure(world, world.auth.signIn({ returnTo }))).search).toBe('')
  },
)

test.each([
  [{ maxAge: -1 }, 'maxAge'],
  [{ redirectUri: 'https://app.example.com/' } as never, 'redirectUri'],
  [{ returnTo: 5 as never }, 'returnTo'],
])('the wrong parameter %j is named', async (params, name) => {
  const world = await signedOutAtBackEnd()
  for (const work of [world.auth.signIn(params), world.auth.requireSession(params)])
    expect(await rejection(work)).toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining(name),
    })
})

test('the user comes back with the Back button', async () => {
  const world = await signedOutAtBackEnd()
  const work = world.auth.signIn()
  const failure = rejection(work)
  await departure(world, work)
  world.tab.restoreFromBackForwardCache()
  expect(await failure).toMatchObject({ code: 'sign_in_cancelled' })
})

test('several sign-ins at once are one', async () => {
  const world = await signedOutAtBackEnd()
  world.auth.signIn().catch(() => {})
  await departure(world, world.auth.requireSession())
  expect(world.tab.navigations).toHaveLength(1)
})

test('an aborted sign-in does not leave the page', async () => {
  const world = await signedOutAtBackEnd()
  const signal = AbortSignal.abort(new Error('never mind'))
  expect(await rejection(world.auth.signIn({ signal }))).toBe(signal.reason)
  expect(await rejection(world.auth.requireSession({ signal }))).toBe(signal.reason)
  expect(world.tab.navigations).toEqual([])
})

test('a browser that does not keep the cookie is not sent in circles', async () => {
  const world = await signedOutAtBackEnd()
  const visit = async (): Promise<AuthClient> => {
    world.tab.load('/account')
    const auth = world.client()
    await auth.start()
    return auth
  }
  for (let round = 0; round < 2; round += 1)
    await departure(world, (await visit()).requireSession())
  const auth = await visit()
  expect(await rejection(auth.requireSession())).toMatchObject({ code: 'redirect_loop' })
  world.tab.gesture = true
  await departure(world, auth.signIn())
})

test('who signs in and out and in again is not going in circles', async () => {
  const world = createBackEndWorld()
  for (let round = 0; round < 4; round += 1) {
    world.tab.load('/account')
    const auth = world.client()
    await departure(world, auth.requireSession())
    world.signIn()
    world.tab.load('/account')
    expect((await world.client().start()).session).toMatchObject({ status: 'signed-in' })
    world.visitor = undefined
  }
})

test('a protected page sends the user to sign in, and back to itself', async () => {
  const world = createBackEndWorld()
  world.tab.load('/account?tab=2')
  const url = await departure(world, world.client().requireSession())
  expect(url.searchParams.get('returnTo')).toBe('https://app.example.com/account?tab=2')
})

test('whoever is signed in sees a protected page at once, and in another tab without a click', async () => {
  const world = await signedInAtBackEnd()
  expect(await world.auth.requireSession()).toBe(world.auth.getSession())
  expect(world.paths()).toEqual([])

  const other = createBackEndWorld()
  const auth = other.client()
  await auth.start()
  other.signIn()
  expect(await auth.requireSession()).toMatchObject({ claims: { sub: 'ada' } })
})

test('who comes back to a protected page, and has signed in on another, sees it', async () => {
  const world = await signedOutAtBackEnd()
  const guard = world.auth.requireSession()
  await departure(world, guard)
  world.signIn()
  world.tab.restoreFromBackForwardCache()
  expect(await guard).toMatchObject({ claims: { sub: 'ada' } })
})

test('signOut() ends the session at the back end, and then goes to the server', async () => {
  const world = await signedInAtBackEnd()
  const heard = hear(world.auth)
  await world.auth.signOut()
  expect(world.visitor).toBeUndefined()
  expect(world.requests).toMatchObject([{ path: '/auth/logout', csrf: 'csrf-1' }])
  expect(world.tab.navigations).toEqual(['https://login.example.com/end?client_id=app'])
  expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  expect(heard.map(({ name }) => name)).toEqual(['session-changed', 'signed-out'])
})

test('signOut() in a page that does not know its session yet', async () => {
  const world = createBackEndWorld()
  world.signIn()
  await world.client().signOut({ redirect: false })
  expect(world.visitor).toBeUndefined()
  expect(world.tab.navigations).toEqual([])
})

test('signOut() with a CSRF token from before another sign-in', async () => {
  const world = await signedInAtBackEnd()
  world.signIn()
  await world.auth.signOut({ redirect: false })
  expect(world.visitor).toBeUndefined()
})

test('two clicks on the button are one sign-out', async () => {
  const world = await signedInAtBackEnd()
  await Promise.all([world.auth.signOut(), world.auth.signOut()])
  expect(world.paths()).toEqual(['POST /auth/logout'])
  expect(world.tab.navigations).toHaveLength(1)
})

test('a session that has ended already needs no sign-out', async () => {
  const world = await signedInAtBackEnd()
  world.visitor = undefined
  await world.auth.signOut()
  expect(world.auth.getSession()).toMatchObject({ status: 'signed-out' })
  expect(world.tab.navigations).toEqual([])
  world.requests.length = 0
  await world.auth.signOut()
  expect(world.paths()).toEqual(['GET /auth/session'])
})

test('a back end cannot make the page run a script', async () => {
  const world = await signedInAtBackEnd()
  world.instead = ({ method }) =>
    method === 'POST' ? Response.json({ location: 'javascript:alert(1)' }) : undefined
  await world.auth.signOut()
  expect(world.tab.navigations).toEqual([])
})

test('after a sign-out that keeps the page, its guard waits for a click', async () => {
  const world = await signedInAtBackEnd()
  await world.auth.signOut({ redirect: false })
  expect(await rejection(world.auth.requireSession())).toMatchObject({ code: 'sign_in_required' })
  world.tab.gesture = true
  await departure(world, world.auth.requireSession())
})

test('the later wish counts: a sign-out gives up the sign-in before it', async () => {
  const world = await signedInAtBackEnd()
  const signIn = rejection(world.auth.signIn())
  await world.auth.signOut({ redirect: false })
  expect(await signIn).toMatchObject({ code: 'sign_in_cancelled' })
  expect(world.visitor).toBeUndefined()
})

test('a sign-in that waits for a sign-out is given up by the next one', async () => {
  const world = await signedInAtBackEnd()
  const first = world.auth.signOut({ redirect: false })
  const signIn = rejection(world.auth.signIn())
  await Promise.all([first, world.auth.signOut({ redirect: false })])
  expect(await signIn).toMatchObject({ code: 'sign_in_cancelled' })
  expect(world.tab.navigations).toEqual([])
})

test('while a sign-out is under way, no protected page is shown, and none sends the user elsewhere', async () => {
  const world = await signedInAtBackEnd()
  const signOut = world.auth.signOut()
  let isOver = false
  const guard = world.auth.requireSession().finally(() => (isOver = true))
  guard.catch(() => {})
  await signOut
  await world.clock.settle()
  expect(isOver).toBe(false)
  expect(world.tab.navigations).toEqual(['https://login.example.com/end?client_id=app'])
})
