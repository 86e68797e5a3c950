// The same app four times: /me answers with the user's id, and has an access token that is good.
import http from 'node:http'
import express from 'express'
import { createClient } from 'redis'
import { clientId, scope, secrets } from './world.js'

const { PORT, ORIGIN, ISSUER, REDIS_URL } = process.env

const redis = createClient({ url: REDIS_URL })
await redis.connect()

async function ours() {
  const { ServerClient, clientSecret, redisSessions } = await import('pkce-client/server')
  return new ServerClient({
    issuer: ISSUER,
    clientId,
    clientAuthentication: clientSecret(secrets.client),
    baseUrl: ORIGIN,
    secret: secrets.app,
    scope,
    resources: [`${ISSUER}/`],
    sessions: redisSessions((command) => redis.sendCommand(command)),
  })
}

const apps = {
  async 'pkce-client'() {
    const { toNodeHandler } = await import('pkce-client/server')
    const auth = await ours()
    const handler = toNodeHandler(async (request) => {
      if (!request.url.endsWith('/me')) return auth.handle(request)
      const session = await auth.session(request)
      if (session.status !== 'signed-in') return new Response(null, { status: 401 })
      await session.getAccessToken()
      return Response.json({ sub: session.claims.sub })
    })
    return http.createServer((req, res) => cpu(req, res) || handler(req, res))
  },

  async 'pkce-client on Express'() {
    const { toNodeHandler, toRequest } = await import('pkce-client/server')
    const auth = await ours()
    const app = express()
    app.use((req, res, next) => cpu(req, res) || next())
    app.get('/me', async (req, res) => {
      const session = await auth.session(toRequest(req))
      if (session.status !== 'signed-in') return res.status(401).end()
      await session.getAccessToken()
      res.json({ sub: session.claims.sub })
    })
    app.use(toNodeHandler(auth.handle))
    return http.createServer(app)
  },

  /** What one writes in an afternoon: a cookie, a record in Redis, a refresh when the token has expired. */
  async 'openid-client and Redis by hand'() {
    const client = await import('openid-client')
    const config = await client.discovery(
      new URL(ISSUER),
      clientId,
      undefined,
      client.ClientSecretBasic(secrets.client),
      { execute: [client.allowInsecureRequests] },
    )
    const redirect_uri = `${ORIGIN}/callback`
    const record = (tokens, sub) =>
      JSON.stringify({ ...tokens, sub, expiresAt: Date.now() + tokens.expires_in * 1000 })
    return http.createServer(async (req, res) => {
      if (cpu(req, res)) return
      const id = /(?:^|; )sid=([^;]+)/.exec(req.headers.cookie ?? '')?.[1]
      const url = new URL(req.url, ORIGIN)
      if (url.pathname === '/auth/login') {
        const verifier = client.randomPKCECodeVerifier()
        const state = client.randomState()
        await redis.set(`tx:${state}`, verifier, { EX: 600 })
        const code_challenge = await client.calculatePKCECodeChallenge(verifier)
        const parameters = {
          redirect_uri,
          scope,
          state,
          code_challenge,
          code_challenge_method: 'S256',
        }
        const location = client.buildAuthorizationUrl(config, parameters).href
        return res.writeHead(302, { location }).end()
      }
      if (url.pathname === '/callback') {
        const state = url.searchParams.get('state')
        const pkceCodeVerifier = await redis.getDel(`tx:${state}`)
        const checks = { pkceCodeVerifier, expectedState: state }
        const tokens = await client.authorizationCodeGrant(config, url, checks)
        const made = client.randomState()
        await redis.set(`s:${made}`, record(tokens, tokens.claims().sub), { EX: 3600 })
        return res.writeHead(302, { location: '/', 'set-cookie': `sid=${made}; HttpOnly` }).end()
      }
      const text = id && (await redis.get(`s:${id}`))
      if (!text) return res.writeHead(401).end()
      const session = JSON.parse(text)
      if (session.expiresAt < Date.now()) {
        try {
          const tokens = await client.refreshTokenGrant(config, session.refresh_token)
          await redis.set(`s:${id}`, record(tokens, session.sub), { EX: 3600 })
        } catch {
          return res.writeHead(401).end()
        }
      }
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify({ sub: session.sub }))
    })
  },

  async 'express-openid-connect'() {
    const { default: oidc } = await import('express-openid-connect')
    const app = express()
    app.use((req, res, next) => cpu(req, res) || next())
    app.use(
      oidc.auth({
        issuerBaseURL: ISSUER,
        baseURL: ORIGIN,
        clientID: clientId,
        clientSecret: secrets.client,
        secret: secrets.app,
        authRequired: false,
        authorizationParams: { response_type: 'code', scope },
        routes: { login: '/auth/login', callback: '/auth/callback' },
        session: { store: redisStore() },
      }),
    )
    app.get('/me', async (req, res) => {
      let { accessToken } = req.oidc
      if (!accessToken) return res.status(401).end()
      if (accessToken.isExpired()) accessToken = await accessToken.refresh()
      res.json({ sub: req.oidc.user.sub })
    })
    app.use((error, req, res, next) => res.status(500).end(String(error.message)))
    return http.createServer(app)
  },
}

/** As connect-redis does it, which wants a newer Node. */
function redisStore() {
  const answer = (work, done) =>
    work.then(
      (value) => done?.(null, value),
      (error) => done?.(error),
    )
  return {
    get: (id, done) =>
      answer(
        redis.get(`eoc:${id}`).then((text) => text && JSON.parse(text)),
        done,
      ),
    set: (id, session, done) =>
      answer(redis.set(`eoc:${id}`, JSON.stringify(session), { EX: 3600 }), done),
    destroy: (id, done) => answer(redis.del(`eoc:${id}`), done),
    on() {},
  }
}

/** What this process has spent, in microseconds. */
function cpu(req, res) {
  if (req.url !== '/cpu') return false
  const { user, system } = process.cpuUsage()
  res.end(String(user + system))
  return true
}

const server = await apps[process.argv[2]]()
server.listen(Number(PORT), 'localhost', () => process.send('ready'))
