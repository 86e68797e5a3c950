import { expect, test } from 'vitest'
import { backEndSession } from '../../../src/index.ts'
import { ServerClient } from '../../../src/server/index.ts'
import {
  createAuthServer,
  createFakeBrowser,
  createFakeClock,
  createVisitor,
} from '../../../src/testing/index.ts'
import { rejection } from '../../support/world.ts'

const origin = 'https://app.example.com'

/** The page of an app whose back end is the real one, at the reference server. */
function openApp() {
  const clock = createFakeClock()
  const server = createAuthServer({
    clock,
    clients: [
      {
        clientId: 'app',
        kind: 'internal',
        redirectUris: [`${origin}/auth/callback`],
        postLogoutRedirectUris: [`${origin}/`],
      },
    ],
  })
  const auth = new ServerClient({
    issuer: server.issuer,
    clientId: 'app',
    baseUrl: origin,
    secret: 'a secret of the tests that is long enough',
    scope: 'openid profile offline_access',
    resources: [server.api.url],
    fetch: server.fetch,
    clock,
  })
  const handle = async (request: Request): Promise<Response> => {
    const answer = (await auth.handle(request)) ?? (await auth.protect(request))
    if (answer) return answer
    const session = await auth.session(request)
    if (new URL(request.url).pathname === '/') return new Response('Welcome')
    if (session.status !== 'signed-in') return auth.signIn(request)
    const body = await request.text()
    const asked = await session.fetch(new URL('users/me', server.api.url)).catch(() => undefined)
    if (!asked) return auth.signIn(request)
    const { sub } = (await asked.json()) as { sub: string }
    return Response.json({ user: sub, body })
  }
  const visitor = createVisitor(handle, { origin, server, clock })
  const tab = createFakeBrowser({ clock }).openTab(`${origin}/`)
  /** The client of the page that is shown. */
  const client = () => {
    const { host, channel } = tab.ports
    const fetch: typeof globalThis.fetch = (url, init) => visitor.fetch(url as string, init)
    return backEndSession({ host, channel, clock, fetch })
  }
  /** Where the page was sent, the browser goes. */
  const travel = async () => {
    for (let turn = 0; turn < 50 && !tab.navigations.length; turn += 1) await clock.settle()
    await visitor.goto(tab.navigations.at(-1)!)
  }
  return { server, auth, visitor, tab, client, travel, clock }
}

async function signedIn() {
  const app = openApp()
  app
    .client()
    .signIn({ returnTo: '/account' })
    .catch(() => {})
  await app.travel()
  await app.visitor.signIn('ada')
  app.tab.load('/account')
  const page = app.client()
  await page.start()
  return { ...app, page }
}

test('a user signs in at ServerClient, calls it, and signs out again', async () => {
  const { page, visitor, tab, travel } = await signedIn()
  expect(page.getSession()).toMatchObject({ status: 'signed-in', stale: false })
  expect(visitor.page.url).toBe(`${origin}/account`)

  const response = await page.fetch('/orders', { method: 'POST', body: 'tea' })
  expect(await response.json()).toEqual({ user: 'user-ada', body: 'tea' })

  await page.signOut()
  expect(page.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  expect(tab.navigations.at(-1)).toMatch(/^https:\/\/login\.example\.com\/.*id_token_hint=/)
  await travel()
  expect(await rejection(page.fetch('/orders'))).toMatchObject({ code: 'sign_in_required' })
})

test('a request without the token of the session is refused by ServerClient', async () => {
  const { visitor } = await signedIn()
  const response = await visitor.fetch(`${origin}/orders`, { method: 'POST', body: 'tea' })
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({ error: 'csrf_rejected' })
})

test('a session that the back end ends is signed out in the page, with the reason', async () => {
  const { page, server, clock } = await signedIn()
  server.revokeSessions()
  await clock.advance(16 * 60_000)
  expect(await rejection(page.fetch('/orders'))).toMatchObject({ code: 'session_ended' })
  expect(page.getSession()).toMatchObject({ status: 'signed-out', reason: 'ended-by-server' })
})

test('an hour without use ends the session, and wake-ups of the page are no use', async () => {
  const { page, tab, clock } = await signedIn()
  for (let minute = 0; minute < 61; minute += 10) {
    await clock.advance(10 * 60_000)
    tab.wake()
    await clock.settle()
  }
  expect(await rejection(page.fetch('/orders'))).toMatchObject({ sessionEnded: true })
  expect(page.getSession()).toMatchObject({ status: 'signed-out', reason: 'expired' })
})
