import { getConnInfo } from '@hono/node-server/conninfo'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import { readFileSync } from 'node:fs'
import { addCalculator } from './calculator.js'
import * as pages from './pages.js'

/** @typedef {import('hono').Context} Context */
/** @typedef {Hono} App */
/**
 * @typedef {object} Parts
 * @property {ReturnType<typeof import('./auth.js').createAuth>} auth
 * @property {(c: Context, page: { title: string, body: ReturnType<typeof pages.login>, status?: any }) => Promise<Response>} show
 */

const styles = ['../style.css', 'server.css'].map((name) =>
  readFileSync(new URL(name, import.meta.url), 'utf8'),
)

/**
 * The web app of the example.
 * @param {object} options
 * @param {Parts['auth']} options.auth
 * @param {string} options.baseUrl
 * @param {string} options.issuer
 * @param {string} options.api
 * @param {string} options.built where the React page was built to
 * @param {ReturnType<typeof import('./limits.js').createLimits>} options.limits
 * @param {boolean} options.development
 * @param {boolean} [options.behindProxy] the proxy says who the visitor is
 * @param {Record<string, string>} [options.about] what the page with debug info says of this process
 */
export function createApp({ auth, baseUrl, issuer, api, built, limits, development, ...options }) {
  const app = new Hono()
  const { host, protocol } = new URL(baseUrl)

  /** @type {Parts['show']} */
  const show = async (c, { title, body, status = 200 }) => {
    const session = await auth.session(c.req.raw).catch(() => undefined)
    c.header('cache-control', 'no-store')
    return c.html(pages.layout({ title, body, session, development }), status)
  }

  /** @param {Context} c */
  const addressOf = (c) =>
    (options.behindProxy && c.req.header('x-forwarded-for')) ||
    getConnInfo(c).remote.address ||
    'unknown'

  // For a program that watches the app, from anywhere.
  app.use('/health', cors({ origin: '*', allowMethods: ['GET'] }))
  app.get('/health', (c) => c.json({ status: 'ok', ...options.about }))

  // Trusted hosts: whoever comes under another name is not served under ours.
  const nickname = host.replace('127.0.0.1', 'localhost')
  app.use(async (c, next) => {
    const name = c.req.header('host')
    if (name === host) return next()
    // Cookies and sign-ins belong to one name.
    if (name === nickname) return c.redirect(baseUrl + c.req.path)
    return c.text('This host is not served here.', 421)
  })

  const secure = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      baseUri: ["'none'"],
      connectSrc: ["'self'"],
      // Signing out leads from the form to the sign-in server.
      formAction: ["'self'", new URL(issuer).origin],
      frameAncestors: ["'none'"],
      imgSrc: ["'self'", 'data:'],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
    },
    strictTransportSecurity: protocol === 'https:',
    referrerPolicy: 'same-origin',
  })
  // The answers of ServerClient bring headers of their own, which are stricter.
  app.use((c, next) => (c.req.path.startsWith('/auth/') ? next() : secure(c, next)))

  app.use(async (c, next) => {
    const wait = await limits(addressOf(c), c.req.path)
    if (wait === undefined) return next()
    c.header('retry-after', String(wait))
    const minutes = Math.ceil(wait / 60)
    const text = `That was too much at once. Try again in ${minutes} minutes.`
    return show(c, { title: 'One moment', body: pages.problem({ text }), status: 429 })
  })

  // Signing in and out, and who is signed in.
  app.use(async (c, next) => (await auth.handle(c.req.raw)) ?? next())

  // What changes something must come from a page of ours.
  app.use(async (c, next) => (await auth.protect(c.req.raw)) ?? next())

  app.get('/style.css', (c) => {
    c.header('content-type', 'text/css; charset=utf-8')
    return c.body(styles.join('\n'))
  })
  app.use(
    '/app/*',
    serveStatic({ root: built, rewriteRequestPath: (path) => path.replace(/^\/app/, '') }),
  )

  app.get('/', async (c) =>
    show(c, { title: 'Server example', body: pages.home(await auth.session(c.req.raw)) }),
  )
  app.get('/login', (c) => show(c, { title: 'Sign in', body: pages.login() }))
  app.get('/logout', async (c) => {
    const session = await auth.session(c.req.raw)
    if (session.status !== 'signed-in') return c.redirect('/')
    return show(c, { title: 'Sign out', body: pages.logout(session.csrfToken) })
  })
  app.get('/profile', async (c) => {
    const session = await auth.session(c.req.raw)
    if (session.status !== 'signed-in') return auth.signIn(c.req.raw)
    const answer = await session.fetch(new URL('users/me', api))
    return show(c, { title: 'Your profile', body: pages.profile(await answer.json()) })
  })
  app.get('/debug-info', async (c) => {
    if (!development) return c.notFound()
    const facts = await debugInfo(await auth.session(c.req.raw))
    return show(c, { title: 'Debug info', body: pages.facts({ ...options.about, ...facts }) })
  })
  addCalculator(app, { auth, show })

  app.notFound((c) =>
    show(c, {
      title: 'Not found',
      body: pages.problem({ text: `There is no page at ${c.req.path}.` }),
      status: 404,
    }),
  )
  app.onError(async (error, c) => {
    const { code, sessionEnded } = /** @type {import('pkce-client').PkceClientError} */ (error)
    if (sessionEnded) return auth.signIn(c.req.raw)
    console.error(error)
    const text = code ? error.message : 'Something went wrong here. Its log says what.'
    return show(c, { title: 'Error', body: pages.problem({ text, code }), status: 500 })
  })
  return app
}

/** @param {import('pkce-client/server').ServerSession} session */
async function debugInfo(session) {
  if (session.status !== 'signed-in') return { session: JSON.stringify(session) }
  const { id, claims, scope, expiresAt, stale } = session
  const token = await session.getAccessToken().catch((error) => error.code)
  return {
    'session id': id,
    'access token': shortened(token),
    'expires at': expiresAt ? new Date(expiresAt).toISOString() : 'not known',
    scope,
    stale: String(stale),
    claims: JSON.stringify(claims),
  }
}

/** @param {string} secret */
const shortened = (secret) => `${secret.slice(0, 8)}… (${secret.length} characters)`
