import { backEndSession } from '../../src/index.ts'
import type { AuthClient, BackEndSessionOptions, EventMap, EventName } from '../../src/index.ts'
import { createFakeBrowser, createFakeClock } from '../../src/testing/index.ts'
import type { FakeTab } from '../../src/testing/index.ts'

export const appOrigin = 'https://app.example.com'

/** A session as the back end keeps it. */
interface Kept {
  sub: string
  csrf: string
  expiresIn: number
  stale?: boolean
}

/**
 * A browser, and the back end of the app in it, which speaks the routes of `ServerClient` and nothing else: the browser's
 * one cookie is whoever `visitor` is.
 */
export function createBackEndWorld(options: BackEndSessionOptions = {}) {
  const clock = createFakeClock()
  const browser = createFakeBrowser({ clock })
  const tab = browser.openTab(`${appOrigin}/`)
  const requests: { method: string; path: string; csrf: string | null; mode: string }[] = []
  let count = 0

  const world = {
    clock,
    browser,
    tab,
    /** Whose session the cookie of the browser is. */
    visitor: undefined as Kept | undefined,
    /** What the back end says of a session that has ended. */
    reason: undefined as string | undefined,
    /** Answers in place of the back end; `undefined` lets the request pass. */
    instead: undefined as
      ((request: Request) => Response | Promise<Response> | undefined) | undefined,
    /** Every request, oldest first. */
    requests,
    paths: () => requests.map(({ method, path }) => `${method} ${path}`),

    /** Somebody signs in, in some tab: the cookie is another one from now on. */
    signIn(sub = 'ada', facts: Partial<Kept> = {}): void {
      count += 1
      world.visitor = { sub, csrf: `csrf-${count}`, expiresIn: 900, ...facts }
    },

    /** The client of the page in the tab. */
    client: (where: FakeTab = tab, overrides: BackEndSessionOptions = {}): AuthClient => {
      const { host, channel, clock } = where.ports
      return backEndSession({ host, channel, clock, fetch: world.fetch, ...options, ...overrides })
    },

    /** Another tab of the app, with its client started. */
    async openTab() {
      const another = browser.openTab(`${appOrigin}/`)
      const auth = world.client(another)
      await auth.start()
      return { tab: another, auth }
    },

    fetch: (async (input, init) => {
      const request = new Request(input, init)
      const { pathname, search } = new URL(request.url)
      requests.push({
        method: request.method,
        path: pathname + search,
        csrf: request.headers.get('x-csrf-token'),
        mode: init?.mode ?? 'cors',
      })
      const answer = await (world.instead?.(request.clone()) ?? respond(request, pathname))
      request.signal.throwIfAborted()
      return answer
    }) as typeof fetch,

    async until(happened: () => unknown): Promise<void> {
      for (let round = 0; round < 200; round += 1) {
        if (happened()) return
        await clock.settle()
      }
      throw new Error(`This did not happen: ${String(happened)}`)
    },
  }

  function respond(request: Request, path: string): Response | Promise<Response> {
    const { visitor } = world
    const hasToken = request.headers.get('x-csrf-token') === visitor?.csrf
    if (path.endsWith('/session')) return Response.json(describe(visitor))
    if (!visitor) return refusal(401, 'sign_in_required')
    if (!/GET|HEAD/.test(request.method) && !hasToken) return refusal(403, 'csrf_rejected')
    if (path === '/auth/logout') {
      world.visitor = undefined
      return Response.json({ location: 'https://login.example.com/end?client_id=app' })
    }
    if (path === '/api/refused') return Response.json({ error: 'invalid_token' }, { status: 401 })
    return request.text().then((body) => Response.json({ user: visitor.sub, body }))
  }

  const describe = (visitor: Kept | undefined) =>
    visitor
      ? {
          status: 'signed-in',
          claims: { sub: visitor.sub, iss: 'https://login.example.com' },
          scope: 'openid profile',
          expiresIn: visitor.expiresIn,
          stale: visitor.stale ?? false,
          csrf: visitor.csrf,
        }
      : { status: 'signed-out', ...(world.reason && { reason: world.reason }) }

  return world
}

export type BackEndWorld = ReturnType<typeof createBackEndWorld>

export const refusal = (status: number, error: string): Response =>
  Response.json({ error, message: 'A sentence.' }, { status })

/** A world in which Ada is signed in, and the client of the first tab knows. */
export async function signedInAtBackEnd(options: BackEndSessionOptions = {}) {
  const world = createBackEndWorld(options)
  world.signIn()
  const auth = world.client()
  await auth.start()
  world.requests.length = 0
  return Object.assign(world, { auth })
}

/** Writes down the names of the events from now on, and what came with them. */
export function hear(auth: AuthClient) {
  const names: EventName[] = [
    'session-changed',
    'signed-in',
    'signed-out',
    'refresh-failed',
    'sign-in-required',
    'sign-in-started',
    'sign-in-failed',
  ]
  const heard: { name: EventName; facts: EventMap[EventName] }[] = []
  for (const name of names) auth.on(name, (facts) => heard.push({ name, facts }))
  return heard
}
