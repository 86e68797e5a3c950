import { expect, test } from 'vitest'
import { createAuthServer, createVisitor } from '../../../src/testing/index.ts'
import type { AuthServer } from '../../../src/testing/index.ts'

const app = 'https://app.example.com'

/** A back end of a few lines: it sends people to the server, and gives whoever comes back a cookie. */
function backEnd(server: AuthServer, { sameSite = 'Strict', between = true } = {}) {
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
  const page = (text: string, headers: Record<string, string> = {}) =>
    new Response(text, { headers: { 'content-type': 'text/html', ...headers } })
  return async (request: Request): Promise<Response | undefined> => {
    const url = new URL(request.url)
    const isSignedIn = request.headers.get('cookie')?.includes('session=ada') ?? false
    if (url.pathname === '/')
      return page(isSignedIn ? 'Hello, Ada!' : '<a href="/login">Sign in</a>')
    if (url.pathname === '/login') {
      const to = new URL(`${server.issuer}/authorize`)
      to.search = new URLSearchParams({
        response_type: 'code',
        client_id: 'production-app',
        redirect_uri: `${app}/callback`,
        scope: 'openid',
        state: 'a state',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      }).toString()
      return Response.redirect(to, 303)
    }
    if (url.pathname !== '/callback') return undefined
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code: url.searchParams.get('code') ?? '',
      client_id: 'production-app',
      redirect_uri: `${app}/callback`,
      code_verifier: verifier,
    })
    const answer = await server.fetch(`${server.issuer}/token`, { method: 'POST', body })
    if (!answer.ok) return new Response('no', { status: 400 })
    const cookie = `__Host-session=ada; HttpOnly; Secure; SameSite=${sameSite}; Path=/`
    if (between) {
      return page('<meta http-equiv="refresh" content="0; url=/">', { 'set-cookie': cookie })
    }
    return new Response(null, { status: 303, headers: { location: '/', 'set-cookie': cookie } })
  }
}

test('somebody signs in at a back end', async () => {
  const server = createAuthServer()
  const visitor = createVisitor(backEnd(server), { server })
  await visitor.goto('/')
  await visitor.follow('Sign in')
  expect(visitor.page.url).toMatch(`${server.issuer}/authorize?`)
  const page = await visitor.signIn('ada')
  expect(page).toMatchObject({ url: `${app}/`, text: 'Hello, Ada!' })
  expect((await visitor.goto('/')).text).toBe('Hello, Ada!')
})

test('a Strict cookie is not sent after a plain redirect from the server; a Lax one is', async () => {
  const server = createAuthServer({ issuer: 'https://login.accounts.example' }) // another site
  const greeting = async (sameSite: string, between: boolean) => {
    const visitor = createVisitor(backEnd(server, { sameSite, between }), { server })
    await visitor.goto('/login')
    return (await visitor.signIn('ada')).text
  }
  expect(await greeting('Strict', false)).toContain('Sign in')
  expect(await greeting('Strict', true)).toBe('Hello, Ada!')
  expect(await greeting('Lax', false)).toBe('Hello, Ada!')
})

test('who is known at the server is led back at once', async () => {
  const server = createAuthServer()
  const visitor = createVisitor(backEnd(server), { server })
  await visitor.goto('/login')
  await visitor.signIn('ada')
  const other = visitor.openTab()
  const { url, way } = await other.goto('/login')
  expect(url).toBe(`${app}/`)
  expect(way.map((one) => new URL(one).pathname)).toEqual([
    '/login',
    '/authorize',
    '/callback',
    '/',
  ])
})

test('a page that says why somebody cannot sign in', async () => {
  const server = createAuthServer()
  const visitor = createVisitor(backEnd(server), { server })
  await visitor.goto('/login')
  await expect(visitor.signIn('ada', { password: 'babbage' })).rejects.toThrow(
    'answers 401 at /login and says: Wrong username or password.',
  )
})

test('there is nothing to sign in at on a page of the app', async () => {
  const server = createAuthServer()
  const visitor = createVisitor(backEnd(server), { server })
  await visitor.goto('/')
  await expect(visitor.signIn()).rejects.toThrow(
    'The visitor is at https://app.example.com/, not at the pages of an authorization server',
  )
})
