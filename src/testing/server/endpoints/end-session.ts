import { endBrowserSession } from '../back-channel-logout.ts'
import { findClient, endpoint, isRegisteredUri, notRegistered } from '../context.ts'
import type { Context, Visit } from '../context.ts'
import { browserCookie, cookie, sessionCookie } from '../cookies.ts'
import { randomToken } from '../encoding.ts'
import { formOf, parametersOf, readCookie, redirect, withHeader } from '../http.ts'
import type { Parameters, Reply } from '../http.ts'
import { errorPage, signOutPage, signedOutPage } from '../pages.ts'
import { staleForm } from '../sessions.ts'
import type { BrowserSession } from '../sessions.ts'
import { isOwnForm } from './interaction.ts'

interface Wish {
  /** Whom the ID token names, if one came along: that person needs not be asked. */
  subject: unknown
  /** The session the ID token is from. */
  session: BrowserSession | undefined
  returnTo: string | undefined
}

/** GET and POST /end_session (OpenID Connect RP-Initiated Logout 1.0). */
export async function endSession(visit: Visit): Promise<Reply> {
  const { context, call } = visit
  const parameters = parametersOf(call)
  const wish = await understand(context, parameters)
  if (typeof wish === 'string') return errorPage(wish)
  const { subject, returnTo } = wish
  const session = context.sessions.find(readCookie(call, sessionCookie(context)))
  if (session && session.user.sub !== subject) return confirm(visit, { session, returnTo })
  return finish(context, { sessions: [wish.session, session], returnTo })
}

/** What is asked for, or the sentence that says why it cannot be done. */
async function understand(context: Context, parameters: Parameters): Promise<Wish | string> {
  if (parameters.duplicate !== undefined) return 'a parameter was sent twice'
  const hint = parameters.get('id_token_hint')
  // An expired hint is as good as any: the signature says who issued it, and to whom.
  const claims = hint === undefined ? undefined : (await context.keys.verify(hint))?.claims
  if (hint !== undefined && claims?.['iss'] !== context.place.issuer) {
    return 'the id_token_hint was not issued by this server'
  }
  const audience = [claims?.['aud']].flat() as (string | undefined)[]
  const clientId = parameters.get('client_id') ?? audience[0]
  if (claims && !audience.includes(clientId)) {
    return 'the id_token_hint was issued to another client'
  }
  const client = findClient(context, clientId)
  const target = parameters.get('post_logout_redirect_uri')
  const registered = client?.postLogoutRedirectUris ?? []
  if (target !== undefined && !isRegisteredUri(target, registered)) {
    return notRegistered(`post_logout_redirect_uri ${target}`, registered)
  }
  return {
    subject: claims?.['sub'],
    session: claims && context.sessions.bySid(claims['sid']),
    returnTo: target && returnAddress(context, { target, state: parameters.get('state') }),
  }
}

function returnAddress(
  context: Context,
  { target, state }: { target: string; state: string | undefined },
): string {
  const url = new URL(target)
  if (state !== undefined) url.searchParams.set('state', state)
  if (context.faults.use('end-session-state-missing')) url.searchParams.delete('state')
  const wrong = context.faults.use('end-session-state-wrong')
  if (wrong) url.searchParams.set('state', wrong.state ?? 'a-state-of-somebody-else')
  return url.href
}

function confirm(
  { context, call }: Visit,
  { session, returnTo }: { session: BrowserSession; returnTo: string | undefined },
): Reply {
  const browser = readCookie(call, browserCookie(context)) ?? randomToken()
  const signOut = { id: randomToken(), csrf: randomToken(), browser, session, returnTo }
  context.sessions.signOuts.set(signOut.id, signOut)
  return withHeader(
    signOutPage(signOut, { action: endpoint(context, '/end_session/confirm') }),
    cookie(context, { name: browserCookie(context), value: browser }),
  )
}

/** POST /end_session/confirm: the person says yes. */
export async function confirmSignOut(visit: Visit): Promise<Reply> {
  const { context, call } = visit
  const form = formOf(call)
  const signOut = context.sessions.signOuts.get(form?.get('interaction') ?? '')
  if (!form || !signOut || !isOwnForm(visit, { form, waiting: signOut })) {
    return errorPage(staleForm.description)
  }
  context.sessions.signOuts.delete(signOut.id)
  return finish(context, { sessions: [signOut.session], returnTo: signOut.returnTo })
}

async function finish(
  context: Context,
  {
    sessions,
    returnTo,
  }: { sessions: (BrowserSession | undefined)[]; returnTo: string | undefined },
): Promise<Reply> {
  for (const session of new Set(sessions)) if (session) await endBrowserSession(context, session)
  const answer = returnTo === undefined ? signedOutPage() : redirect(returnTo)
  const expired = { name: sessionCookie(context), value: '', maxAge: 0 }
  return withHeader(answer, cookie(context, expired))
}
