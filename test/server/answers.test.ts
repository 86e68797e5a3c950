import { describe, expect, test } from 'vitest'
import type { ServerClientOptions } from '../../src/server/index.ts'
import type { Visitor } from '../../src/testing/index.ts'
import { askSession, createWebApp, origin, post, requestOf } from '../support/web-app.ts'

type App = ReturnType<typeof createWebApp>

async function signedIn(app: App): Promise<Visitor> {
  const visitor = app.visit()
  await visitor.goto('/auth/login')
  await visitor.signIn()
  return visitor
}

/** A page is asked for, by a link on the page before. */
const page = (path: string, headers: Record<string, string> = {}) =>
  new Request(origin + path, {
    headers: {
      accept: 'text/html',
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'navigate',
      ...headers,
    },
  })

/** What is rejected and handled by nobody, as a log of the process would have it. */
async function unhandled(work: () => Promise<unknown>): Promise<unknown[]> {
  const errors: unknown[] = []
  const listeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (error) => errors.push(error))
  await work()
  await new Promise((resolve) => setTimeout(resolve, 0))
  process.removeAllListeners('unhandledRejection')
  for (const listener of listeners) process.on('unhandledRejection', listener)
  return errors
}

describe('a mistake in a function of the app', () => {
  const mistake = new Error('no such column: users.cookie')

  async function answerOf(options: Partial<ServerClientOptions>, request: Request) {
    const app = createWebApp({ options })
    let answer: Response | undefined
    const logged = await unhandled(async () => (answer = await app.auth.handle(request)))
    return { logged, answer: answer! }
  }
  const owner = () => Promise.reject(mistake)

  test('is in the log of the process, and the visitor gets a page that tells nothing of it', async () => {
    const { logged, answer } = await answerOf({ owner }, page('/auth/session'))
    expect(logged).toEqual([mistake])
    expect(answer.status).toBe(500)
    const text = await answer.text()
    expect(text).toContain('<h1>The request did not complete</h1>')
    expect(text).toContain('Something went wrong in this app; its log says what.')
    expect(text).not.toContain('users.cookie')
  })

  test('is told to a script in JSON', async () => {
    const { answer } = await answerOf({ owner }, page('/auth/session', { accept: '*/*' }))
    expect(await answer.json()).toEqual({
      error: 'server_error',
      message: 'Something went wrong in this app; its log says what.',
    })
  })

  test('is the cause of the error that the app words itself', async () => {
    const onError = ({ cause }: Error) => new Response((cause as Error).message)
    const { answer } = await answerOf({ owner, onError }, page('/auth/session'))
    expect(await answer.text()).toBe(mistake.message)
  })

  test('in onError costs the app its own page, and nothing else', async () => {
    const onError = () => {
      throw mistake
    }
    const request = page('/auth/callback?code=1')
    const { logged, answer } = await answerOf({ onError }, request)
    expect(logged).toEqual([mistake])
    expect([answer.status, await answer.json()]).toEqual([
      400,
      {
        error: 'callback_invalid',
        message: 'This is not an answer to a sign-in of this app: it has no state.',
      },
    ])
  })

  test('an error of ours is answered, and no mistake of the app', async () => {
    const { logged, answer } = await answerOf({}, page('/auth/callback?code=1'))
    expect([logged, answer.status]).toEqual([[], 400])
    expect(await answer.text()).toContain('<a href="/auth/login">Sign in again</a>')
  })
})

test('what a script is answered is JSON that no cache keeps and no browser guesses about', async () => {
  const app = createWebApp()
  const { status, headers } = await (await signedIn(app)).fetch('/auth/session')
  expect([status, Object.fromEntries(headers)]).toEqual([
    200,
    {
      'cache-control': 'no-store',
      'content-type': 'application/json',
      vary: 'Cookie',
      'x-content-type-options': 'nosniff',
    },
  ])
})

describe('the log of an app', () => {
  test('has who signed in, where they wanted to go, and why they are gone', async () => {
    const app = createWebApp()
    const visitor = app.visit()
    await visitor.goto('/auth/login?returnTo=/me')
    await visitor.signIn()
    const session = await app.auth.session(requestOf(visitor))
    const id = session.status === 'signed-in' ? session.id : ''
    await post(visitor, '/auth/logout')
    expect(app.log).toEqual([
      ['sign-in-started', { returnTo: `${origin}/me` }],
      ['signed-in', { id, subject: 'user-ada' }],
      ['signed-out', { id, reason: 'signed-out' }],
    ])
  })

  test('has a session without a subject where the server says nothing of the person', async () => {
    const app = createWebApp({ options: { scope: 'orders:read offline_access' } })
    await signedIn(app)
    expect(app.log.at(-1)).toEqual([
      'signed-in',
      { id: expect.any(String) as string, subject: undefined },
    ])
  })

  test('has a sign-in that did not complete, with the reason', async () => {
    const app = createWebApp()
    await app.visit().goto('/auth/callback?code=1&state=2')
    expect(app.log).toEqual([
      [
        'sign-in-failed',
        {
          error: expect.objectContaining({
            code: 'transaction_not_found',
            message:
              'This answer is to a sign-in begun in another browser, or over an hour ago; sign in again.',
          }) as Error,
        },
      ],
    ])
  })

  test('has a request that was refused, with its path and nothing of its query', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    app.log.length = 0
    const { status } = await visitor.fetch('/auth/logout?a=1', { method: 'POST' })
    const elsewhere = await app.auth.handle(
      page('/auth/session', { 'sec-fetch-site': 'cross-site' }),
    )
    expect([status, elsewhere!.status]).toEqual([403, 403])
    const refused = (path: string, message: string) => [
      'request-refused',
      {
        path,
        error: expect.objectContaining({
          code: 'csrf_rejected',
          message: expect.stringContaining(message) as string,
        }) as Error,
      },
    ]
    expect(app.log).toEqual([
      refused('/auth/logout', 'has not the CSRF token of this session'),
      refused('/auth/session', `Another site asked for the session; only pages of ${origin} may.`),
    ])
  })

  test('has no refusal where the visitor only asked wrongly', async () => {
    const app = createWebApp()
    await app.visit().goto('/auth/login?max_age=soon')
    expect(app.log).toEqual([])
  })
})

describe('the way to sign in', () => {
  test('a script that asks for it is told where it is, in JSON', async () => {
    const app = createWebApp()
    const answer = await app.auth.handle(
      page('/auth/login', { accept: '*/*', 'sec-fetch-mode': 'cors' }),
    )
    expect([answer!.status, await answer!.json()]).toEqual([
      401,
      {
        error: 'sign_in_required',
        message: 'Nobody is signed in; go to location to sign in.',
        location: '/auth/login',
      },
    ])
    expect(app.log).toEqual([])
  })

  test('a server that cannot be asked is no mistake of the visitor', async () => {
    const app = createWebApp()
    app.server.fault('network-error', { path: '/.well-known/openid-configuration' })
    expect((await app.visit().goto('/auth/login')).status).toBe(504)
  })
})

describe('a route of the app that is protected', () => {
  const protect = async (options: Partial<ServerClientOptions>, request: Request) =>
    createWebApp({ options }).auth.protect(request)
  const link = { 'sec-fetch-site': 'cross-site' }

  test('a link of another site leads over a page in between, because the cookie was withheld', async () => {
    const answer = await protect({}, page('/bills?of=may', link))
    expect(answer!.status).toBe(200)
    expect(await answer!.text()).toContain(`content="0; url=${origin}/bills?of=may"`)
  })

  test.each<[string, Partial<ServerClientOptions>, Request]>([
    ['a link of our own', {}, page('/bills')],
    ['a script or image of another site', {}, page('/a', { ...link, 'sec-fetch-mode': 'no-cors' })],
    ['a cookie that is sent along', { cookie: { sameSite: 'lax' } }, page('/bills', link)],
    ['the sign-in of the app itself', { owner: () => undefined }, page('/bills', link)],
  ])('%s needs no page in between', async (_, options, request) => {
    expect(await protect(options, request)).toBeUndefined()
  })

  test('nor does a visitor whose cookie came along', async () => {
    const app = createWebApp()
    const { headers } = requestOf(await signedIn(app))
    const cookie = headers.get('cookie')!
    expect(await app.auth.protect(page('/bills', { ...link, cookie }))).toBeUndefined()
  })

  test.each(['POST', 'DELETE', 'FORGET', 'GETTER'])('%s needs the CSRF token', async (method) => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    const { csrf } = await askSession(visitor)
    const cookie = requestOf(visitor).headers.get('cookie')!
    const ask = (more: Record<string, string>) =>
      new Request(`${origin}/bills`, {
        method,
        headers: { cookie, 'sec-fetch-site': 'same-origin', ...more },
      })
    expect((await app.auth.protect(ask({})))!.status).toBe(403)
    expect(await app.auth.protect(ask({ 'x-csrf-token': csrf! }))).toBeUndefined()
  })

  test('without a session a page of ours may send anything, and no other page may', async () => {
    const post = (site: string) =>
      new Request(`${origin}/orders`, { method: 'POST', headers: { 'sec-fetch-site': site } })
    expect(await protect({}, post('same-origin'))).toBeUndefined()
    expect((await protect({}, post('cross-site')))!.status).toBe(403)
  })
})
