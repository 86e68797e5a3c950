import { CallbackError, PkceClient, isPkceClientError, popup, redirect } from 'pkce-client'
import {
  describeError,
  describeEvent,
  describeResponse,
  describeSession,
  eventNames,
  troubles,
} from '../words.ts'

const api = import.meta.env.VITE_API

const auth = new PkceClient({
  issuer: import.meta.env.VITE_ISSUER,
  clientId: 'vanilla-example',
  redirectUri: new URL('/callback', location.origin).href,
  postSignOutRedirectUri: new URL('/', location.origin).href,
  scope: 'openid profile email offline_access',
  resources: [api],
  navigator: [redirect(), popup()],
})

const find = (id: string) => document.getElementById(id)!

// Who is signed in, now and whenever that changes, here or in another tab.
const showSession = () => {
  const session = auth.getSession()
  find('who').textContent = describeSession(session)
  find('sign-in').hidden = session.status !== 'signed-out'
  find('sign-in-popup').hidden = session.status !== 'signed-out'
  find('reason').hidden = session.status !== 'signed-out'
  find('sign-out').hidden = session.status !== 'signed-in'
  find('trouble').toggleAttribute('disabled', session.status !== 'signed-in')
}
auth.subscribe(showSession)

// Everything the client tells, as it happens.
for (const name of eventNames) {
  auth.on(name, (facts) => {
    const item = document.createElement('li')
    const label = document.createElement('strong')
    label.textContent = name
    item.append(label, ` ${describeEvent(facts)}`)
    find('events').prepend(item)
  })
}

// The buttons.
onClick('sign-in', () => auth.signIn({ returnTo: location.href }))
onClick('sign-in-popup', async () => {
  await auth.signIn({ navigator: popup({ fallback: redirect() }) })
  return 'You are signed in, and this page was never left.'
})
onClick('sign-out', () => auth.signOut())
onClick('call-api', async () => describeResponse(await auth.fetch(new URL('users/me', api))))
onClick('refresh', async () => {
  await auth.refresh()
  return 'The tokens are refreshed.'
})
for (const trouble of ['expire', 'refuse', 'revoke'] as const) {
  onClick(trouble, async () => {
    // Asks the reference server to misbehave. Your server has no such thing.
    await fetch(`/control/${trouble}`, { method: 'POST' })
    return troubles[trouble]
  })
}

function onClick(id: string, action: () => Promise<unknown>): void {
  find(id).addEventListener('click', () => {
    showResult('One moment…')
    action().then(showResult, (error: unknown) => {
      // They used the back button at the sign-in page: nothing went wrong.
      if (isPkceClientError(error) && error.code === 'sign_in_cancelled')
        showResult('You are back from the sign-in page.')
      else showError(error)
    })
  })
}

function showResult(text: unknown): void {
  find('error').hidden = true
  find('result').textContent = typeof text === 'string' ? text : ''
}

function showError(error: unknown): void {
  find('result').textContent = ''
  find('error').textContent = describeError(error as Error)
  find('error').hidden = false
}

/** Shows the address where the sign-in began. */
function goBack({ returnTo }: { returnTo?: string | undefined }): void {
  if (returnTo !== undefined) history.replaceState(null, '', returnTo)
}

// Finishes a sign-in if this page is its answer, else restores the session. A failed sign-in is shown, and nothing more
// happens until somebody presses a button.
try {
  const result = await auth.start()
  goBack(result)
  if (result.kind === 'relayed') showResult('You are signed in. You may close this window.')
} catch (error) {
  if (error instanceof CallbackError) goBack(error)
  showError(error)
}
showSession()
