import { answer, answerWithCode } from '../authorization-response.ts'
import { cookie, browserCookie, sessionCookie } from '../cookies.ts'
import { endpoint, seconds } from '../context.ts'
import type { Context, Visit } from '../context.ts'
import { formOf, readCookie, redirect, withHeader } from '../http.ts'
import type { Reply } from '../http.ts'
import { errorPage } from '../pages.ts'
import { staleForm } from '../sessions.ts'
import type { Interaction } from '../sessions.ts'
import {
  codeOf,
  consentFor,
  needsConsent,
  needsSecondFactor,
  nextStep,
  showLogin,
  showSecondFactor,
} from './authorize.ts'

/** POST /login: the sign-in form. */
export const login = sameAnswerTwice(({ context }, { interaction, form }) => {
  const username = form.get('username') ?? ''
  const user = context.settings.users.find((candidate) => candidate.username === username)
  if (user?.password !== form.get('password')) {
    return showLogin(context, interaction, { problem: 'Wrong username or password.', username })
  }
  // A new session with a new secret: one planted before the sign-in must not become this person's.
  interaction.session = context.sessions.begin(user, seconds(context.now()))
  const { secret } = interaction.session
  const next = nextPage(context, interaction)
  return withHeader(next, cookie(context, { name: sessionCookie(context), value: secret }))
})

/** POST /second_factor: the form for the code. */
export const secondFactor = sameAnswerTwice(({ context }, { interaction, form }) => {
  const session = context.sessions.find(interaction.session?.secret)
  if (!session) return errorPage(staleForm.description)
  if (form.get('code') !== codeOf(session.user)) {
    return showSecondFactor(context, interaction, 'Wrong code.')
  }
  session.acr = 'mfa'
  session.authTime = seconds(context.now())
  return nextPage(context, interaction)
})

/** A page that is the answer to a form has no address that Back or a reload could load. */
function nextPage(context: Context, interaction: Interaction): Reply {
  if (needsSecondFactor(interaction)) return toPage('/second_factor')
  return needsConsent(context, interaction) ? toPage('/consent') : nextStep(context, interaction)

  function toPage(path: string): Reply {
    const search = new URLSearchParams({ interaction: interaction.id })
    return redirect(`${endpoint(context, path)}?${search.toString()}`)
  }
}

/** GET /second_factor and /consent: the page after a form. */
export function showNext({ context, call }: Visit): Reply {
  const id = call.url.searchParams.get('interaction') ?? ''
  const interaction = context.sessions.interactions.get(id)
  if (
    !interaction ||
    interaction.answered ||
    !context.sessions.find(interaction.session?.secret) ||
    context.now() >= interaction.expiresAt ||
    readCookie(call, browserCookie(context)) !== interaction.browser
  ) {
    return errorPage(staleForm.description)
  }
  return nextStep(context, interaction)
}

/** POST /consent: allow or deny. */
export const consent = sameAnswerTwice(({ context }, { interaction, form }) => {
  const { request } = interaction
  const session = context.sessions.find(interaction.session?.secret)
  if (!session || needsSecondFactor(interaction)) return errorPage(staleForm.description)
  interaction.answered = true
  if (form.get('decision') !== 'allow') {
    const problem = { error: 'access_denied', description: 'the user denied the request' }
    return answer(context, { ...request, problem })
  }
  context.sessions.consent(session.user, consentFor(request))
  return answerWithCode(context, { request, session })
})

interface SentForm {
  interaction: Interaction
  form: URLSearchParams
}

/**
 * A double click may send a form twice (in Firefox it does), and the browser goes where the second answer leads. So the form that
 * completed an interaction gets its answer again, while the person is still signed in.
 */
function sameAnswerTwice(judge: (visit: Visit, sent: SentForm) => Reply): (visit: Visit) => Reply {
  const answers = new WeakMap<Interaction, Reply>()
  return (visit) => {
    const sent = findInteraction(visit)
    if (!sent) return errorPage(staleForm.description)
    const { interaction } = sent
    if (interaction.answered) {
      const signedIn = visit.context.sessions.find(interaction.session?.secret)
      return (signedIn && answers.get(interaction)) ?? errorPage(staleForm.description)
    }
    const reply = judge(visit, sent)
    answers.set(interaction, reply)
    return reply
  }
}

/** The interaction a form belongs to, when it was sent by the page and the browser it was shown in. */
function findInteraction({ context, call }: Visit): SentForm | undefined {
  const form = formOf(call)
  const interaction = context.sessions.interactions.get(form?.get('interaction') ?? '')
  if (!form || !interaction || context.now() >= interaction.expiresAt) return undefined
  if (!isOwnForm({ context, call }, { form, waiting: interaction })) return undefined
  return { interaction, form }
}

export function isOwnForm(
  { context, call }: Visit,
  { form, waiting }: { form: URLSearchParams; waiting: { csrf: string; browser: string } },
): boolean {
  const origin = call.headers['origin']
  return (
    form.get('csrf') === waiting.csrf &&
    readCookie(call, browserCookie(context)) === waiting.browser &&
    (origin === undefined || origin === new URL(context.place.issuer).origin)
  )
}
