import type { ServerClientOptions } from '../../../src/server/index.ts'
import type { AuthServerOptions, Visitor } from '../../../src/testing/index.ts'
import { createWebApp, origin } from '../../support/web-app.ts'

export const evil = 'https://evil.example/'
/** Another app of the same site, which somebody may have taken over. */
export const sibling = 'https://blog.example.com/'
export const sessionCookie = '__Host-Http-pkce'

export type App = ReturnType<typeof attackedApp>

/** A web app whose authorization server is another site and tells it who signed out there. */
export function attackedApp({
  options = {},
  server = {},
}: { options?: Partial<ServerClientOptions>; server?: Partial<AuthServerOptions> } = {}) {
  const app = createWebApp({
    options,
    server: {
      issuer: 'https://login.accounts.example',
      clients: [
        {
          clientId: 'my-web-app',
          clientSecret: 'the secret of the client',
          kind: 'internal',
          redirectUris: [`${origin}/auth/callback`],
          postLogoutRedirectUris: [`${origin}/`],
          backChannelLogoutUri: `${origin}/auth/backchannel-logout`,
        },
      ],
      deliver: (request) => app.auth.handle(request),
      ...server,
    },
  })
  return app
}

/** Somebody who has signed in, in a browser of their own. */
export async function someoneAt(app: App, username = 'ada'): Promise<Visitor> {
  const visitor = app.visit()
  await visitor.goto('/auth/login')
  await visitor.signIn(username)
  return visitor
}

/** The cookies of the app, without those of the authorization server. */
export const cookiesOf = ({ jar }: Visitor) =>
  jar.list().filter(({ domain }) => domain === new URL(origin).hostname)

export const sessionOf = (visitor: Visitor): string =>
  cookiesOf(visitor).find(({ name }) => name === sessionCookie)?.value ?? ''

/** Puts a session cookie into the browser, however the attacker managed to. */
export const plant = ({ jar }: Visitor, value: string): void =>
  jar.store(new URL(origin), `${sessionCookie}=${value}; Secure; HttpOnly; SameSite=Strict; Path=/`)

/** Whose name the app knows; nobody's when it asks to sign in. */
export async function whoIs(visitor: Visitor): Promise<string | undefined> {
  const answer = await visitor.openTab().fetch('/auth/session')
  const { status, claims } = (await answer.json()) as { status: string; claims?: { sub: string } }
  return status === 'signed-in' ? claims?.sub : undefined
}

/** A request that no browser made. */
export const raw = (path: string, init: RequestInit = {}): Request =>
  new Request(`${origin}${path}`, { redirect: 'manual', ...init })
