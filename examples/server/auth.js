import { ServerClient } from 'pkce-client/server'

/**
 * The one object of the app that knows about signing in. Everything else asks it.
 * @param {object} settings
 * @param {string} settings.issuer
 * @param {string} settings.api
 * @param {string} settings.baseUrl who this app is; Host and X-Forwarded-* are never believed
 * @param {string} settings.secret the same in all processes
 * @param {import('pkce-client/server').ServerClientOptions['clientAuthentication']} [settings.clientAuthentication]
 * @param {import('pkce-client/server').ServerClientOptions['sessions']} [settings.sessions]
 * @param {typeof fetch} [settings.fetch]
 */
export const createAuth = ({ issuer, api, ...settings }) =>
  new ServerClient({
    issuer,
    clientId: 'server-example',
    scope: 'openid profile email offline_access',
    resources: [api],
    ...settings,
  })

/** @type {import('pkce-client/server').ServerEventName[]} */
const events = [
  'sign-in-started',
  'signed-in',
  'sign-in-failed',
  'signed-out',
  'token-refreshed',
  'refresh-failed',
  'request-refused',
  'sessions-in-memory',
  'storage-failed',
  'storage-recovered',
  'request',
]

/**
 * Writes a line of JSON for everything that happens. Nothing in an event is secret.
 * @param {ReturnType<typeof createAuth>} auth
 * @param {(line: string) => void} write
 */
export function logTo(auth, write) {
  for (const event of events)
    auth.on(event, (facts) => {
      const error = 'error' in facts ? { error: facts.error.code, why: facts.error.message } : {}
      write(JSON.stringify({ at: new Date().toISOString(), event, ...facts, ...error }))
    })
}
