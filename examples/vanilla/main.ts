import { CallbackError, OAuthServerError, PkceClient, isPkceClientError } from 'pkce-client'
import type { EventMap, EventName, Session } from 'pkce-client'

const api = import.meta.env.VITE_API

const auth = new PkceClient({
  issuer: import.meta.env.VITE_ISSUER,
  clientId: 'vanilla-example',
  redirectUri: new URL('/callback', location.origin).href,
  postSignOutRedirectUri: new URL('/', location.origin).href,
  scope: 'openid profile email offline_access',
  resources: [api],
})

const find = (id: string) => document.getElementById(id)!

// Who is signed in, now and whenever that changes, here or in another tab.
const showSession = () => {
  const session = auth.getSession()
  find('who').textContent = sentence(session)
  find('sign-in').hidden = session.status !== 'signed-out'
  find('sign-out').hidden = session.status !== 'signed-in'
}
auth.subscribe(showSession)

// Everything the client tells, as it happens.
const eventNames: EventName[] = [
  'session-changed',
  'signed-in',
  'signed-out',
  'token-refreshed',
  'refresh-failed',
  'sign-in-required',
  'storage-failed',
  'request',
]
for (const name of eventNames) {
  auth.on(name, (facts) => {
    const item = document.createElement('li')
    const label = document.createElement('strong')
    label.textContent = name
    item.append(label, ` ${describe(facts)}`)
    find('events').prepend(item)
  })
}

// The buttons.
onClick('sign-in', () => auth.signIn({ returnTo: location.href }))
onClick('call-api', async () => {
  const response = await auth.fetch(new URL('users/me', api))
  answer(
    response.ok
      ? `${response.status} ${JSON.stringify(await response.json(), null, 2)}`
      : `${response.status} A token younger than ten seconds is not renewed because of a 401. Call again in a moment.`,
  )
})
onClick('renew', async () => {
  await auth.refresh()
  answer('Renewed.')
})
onClick('sign-out', () => auth.signOut())
onClick('expire', () => control('expire', 'The server has forgotten all access tokens.'))
onClick('refuse', () => control('refuse', 'The API will refuse the next call.'))
onClick('revoke', () => control('revoke', 'The server has ended the session.'))

function onClick(id: string, action: () => Promise<unknown>): void {
  find(id).addEventListener('click', () => {
    showError(undefined)
    action().catch((error: unknown) => {
      // They used the back button at the sign-in page: nothing went wrong.
      const wasCancelled = isPkceClientError(error) && error.code === 'sign_in_cancelled'
      answer(wasCancelled ? 'You are back from the sign-in page.' : 'None.')
      if (!wasCancelled) showError(error)
    })
  })
}

/** Asks the reference server to misbehave. Your server has no such thing. */
async function control(what: string, done: string): Promise<void> {
  await fetch(`/control/${what}`, { method: 'POST' })
  answer(`${done} Now call the API.`)
}

function answer(text: string): void {
  find('answer').textContent = text
}

function showError(error: unknown): void {
  find('error').hidden = error === undefined
  find('error').textContent = error instanceof Error ? problem(error) : ''
}

/** Errors have a code, for apps to choose their own words by. The server's words are only shown. */
function problem(error: Error): string {
  const serversWords =
    error.cause instanceof OAuthServerError && (error.cause.description ?? error.cause.error)
  const code = isPkceClientError(error) && error.code
  if (code === 'sign_in_required') return 'Nobody is signed in. Sign in first.'
  if (code === 'authorization_denied')
    return `You were not signed in: ${serversWords || 'no reason given'}.`
  return serversWords ? `${error.message} The server says: ${serversWords}.` : error.message
}

function sentence(session: Session): string {
  switch (session.status) {
    case 'unknown':
      return 'Looking for a session…'
    case 'signed-out':
      return !session.reason || session.reason === 'signed-out'
        ? 'Signed out.'
        : `Signed out (${session.reason}).`
    case 'signed-in': {
      const name = session.claims?.['name']
      const who = `Signed in as ${typeof name === 'string' ? name : session.claims?.sub}.`
      if (session.stale) return `${who} The server cannot be reached at the moment.`
      if (session.expiresAt === undefined) return who
      return `${who} The access token lasts until ${new Date(session.expiresAt).toLocaleTimeString()}.`
    }
  }
}

function describe(facts: EventMap[EventName]): string {
  if ('error' in facts) return `${facts.error.code}: ${facts.error.message}`
  if ('session' in facts) return sentence(facts.session)
  const { what, url, status, ms } = facts
  return `${what}: ${new URL(url).pathname} ${status ?? 'no answer'}, ${Math.round(ms)} ms`
}

/** Shows the address where the sign-in began. */
function goBack({ returnTo }: { returnTo?: string | undefined }): void {
  if (returnTo !== undefined) history.replaceState(null, '', returnTo)
}

// Finishes a sign-in if this page is its answer, else restores the session. A failed sign-in is shown, and nothing more
// happens until somebody presses a button.
try {
  goBack(await auth.start())
} catch (error) {
  if (error instanceof CallbackError) goBack(error)
  showError(error)
}
showSession()
