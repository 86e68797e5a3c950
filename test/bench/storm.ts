import { PkceClient } from 'pkce-client'
import { createAuthServer, createFakeClock } from 'pkce-client/testing'
import { heading, row } from './report.ts'

const calls = 1_000

/** A client that signed in `age` milliseconds ago, and whose API answers arrive one after the other, over five seconds. */
async function signedIn(age: number) {
  const clock = createFakeClock()
  const server = createAuthServer({ clock })
  const me = `${server.api.url}users/me`
  let arrived = 0
  const late = () =>
    new Promise<void>((resolve) => {
      arrived += 1
      clock.setTimeout(resolve, (arrived % calls) * 5)
    })
  const auth = new PkceClient({
    issuer: server.issuer,
    clientId: 'production-app',
    redirectUri: 'https://app.example.com/callback',
    scope: 'openid offline_access',
    resources: [server.api.url],
    clock,
    fetch: async (input, init) => {
      const response = await server.fetch(input, init)
      if (input === me) await late()
      return response
    },
  })
  await server.signInTo(auth)
  await clock.advance(age)
  return { auth, clock, server, me }
}

async function storm(
  name: string,
  begin: (parts: Awaited<ReturnType<typeof signedIn>>) => Promise<void> | void,
  age = 11_000,
): Promise<void> {
  const parts = await signedIn(age)
  const { auth, clock, server, me } = parts
  await begin(parts)
  const before = server.requestsTo('/token').length
  const held = server.hold('/token')
  let fine = 0
  const finished = Array.from({ length: calls }, async () => {
    const response = await auth.fetch(me)
    if (response.ok) fine += 1
  })
  await clock.advance(2_500)
  held.release()
  await clock.advance(20_000)
  await Promise.allSettled(finished)
  const requests = server.requestsTo('/token').length - before
  row(name, {
    value: `${fine} OK`,
    budget: `${calls}`,
    ok: fine === calls && requests === 1,
    notes: [`${requests} token request${requests === 1 ? '' : 's'}`],
  })
}

heading(`Storm: ${calls} calls at once, answers arriving late`)
await storm('expired access token', ({ clock }) => clock.advance(16 * 60_000))
await storm('server says 401', ({ server }) => server.expireAccessTokens())
await storm(
  'server says 401, a second after the sign-in',
  ({ server }) => server.expireAccessTokens(),
  1000,
)
