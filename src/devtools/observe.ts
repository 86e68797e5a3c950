import { redirect } from '../navigation/redirect.ts'
import { checkCallback, requestOf } from './check.ts'
import { readAnswer } from './answers.ts'
import { carriers } from './log.ts'
import { over } from './over.ts'
import { classify, readEndpoints, readRequest, valuesOf, valuesOfUrl } from './requests.ts'
import { safely } from './observed.ts'
import { fingerprint, withoutTokens } from './shorten.ts'
import type { Host } from '../host/host.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { Fetch } from '../api/scheme.ts'
import type { Log } from './log.ts'
import type { Observed, ObservedOptions, Sent } from './observed.ts'
import type { SentRequest } from './requests.ts'
import type { Message, Purpose, Step, StepValue } from './steps.ts'

/** The options, with ports that record. */
export function observe<Options extends ObservedOptions>(
  observed: Observed,
  options: Options,
): Options {
  const isBackEnd = options.issuer === undefined
  safely(() => {
    observed.log.learn(readEndpoints(options.metadata))
    recordArrival(observed)
  })
  return {
    ...options,
    fetch: recordingFetch(observed),
    host: recordingHost(observed),
    ...(!isBackEnd && {
      navigator: [options.navigator ?? redirect()]
        .flat()
        .map((one) => recordingNavigator(observed, one)),
    }),
  }
}

function recordingFetch(observed: Observed): Fetch {
  const { options, host } = observed
  return async (input, init) => {
    const fetch = options.fetch ?? globalThis.fetch
    const request = safely(() => readRequest(input, init, host.baseUrl()))
    const sent = request && safely(() => recordRequest(observed, request))
    if (!request || !sent) return fetch(input, init)
    try {
      const response = await fetch(input, init)
      safely(() => readAnswer(observed, { request, sent, response }))
      return response
    } catch (error) {
      safely(() => recordFailure(observed, { sent, error }))
      throw error
    }
  }
}

function recordRequest(observed: Observed, request: SentRequest): Sent {
  const { log, options } = observed
  const backEnd = options.issuer === undefined ? (options.basePath ?? '/auth') : undefined
  const about = classify(request, { endpoints: log.known().endpoints, backEnd })
  const values = valuesOf(request, about.purpose).map((value) => known(log.steps(), value))
  if (about.purpose === 'pushed-request') recordValues(observed, values)
  const url = `${request.url.origin}${request.url.pathname}`
  const again = about.purpose === 'api' && wasRefused(observed, url)
  const step = log.add({
    type: 'message',
    ...about,
    from: 'client',
    to: about.purpose === 'api' ? 'api' : 'server',
    label: `${request.method} ${withoutTokens(request.url.pathname)}${again ? ', again' : ''}`,
    method: request.method,
    url: withoutTokens(url),
    values,
    checks: [],
  })
  return { ...about, step }
}

/** A token that is revoked is called `token`, whichever it is. */
function known(steps: readonly Step[], value: StepValue): StepValue {
  if (value.name !== 'token') return value
  const values = steps.flatMap((step) => ('values' in step ? step.values : []))
  const found = values.find(({ kind, fingerprint }) => kind && fingerprint === value.fingerprint)
  return found?.kind ? { ...value, kind: found.kind } : value
}

/** Whether the last answer from this address was a 401. */
function wasRefused({ log }: Observed, url: string): boolean {
  const [last] = log
    .steps()
    .filter((step): step is Message => step.type === 'message' && step.url === withoutTokens(url))
    .slice(-1)
  return last?.status === 401
}

function recordFailure(
  { log, now }: Observed,
  { sent, error }: { sent: Sent; error: unknown },
): void {
  const { step, purpose } = sent
  const isAborted = (error as { name?: string } | undefined)?.name === 'AbortError'
  log.add({
    type: 'message',
    purpose,
    from: step.to,
    to: 'client',
    label: isAborted ? 'the request was given up' : 'no answer',
    answers: step.id,
    refused: true,
    url: step.url ?? '',
    milliseconds: now() - step.at,
    values: [],
    checks: [],
  })
}

/** Verifier, challenge, state and nonce are made; the verifier is seen when it is sent. */
function recordValues({ log }: Observed, values: StepValue[]): void {
  const made = values.filter(({ name }) => ['code_challenge', 'state', 'nonce'].includes(name))
  log.add({
    type: 'note',
    purpose: 'values',
    lane: 'client',
    label: 'makes verifier, challenge, state, nonce',
    values: made.map((value) => ({ ...value, place: 'memory' })),
    checks: [],
  })
}

/** The user is sent somewhere: to sign in, to sign out, or to the app's back end, which does the rest. */
export function recordDeparture(observed: Observed, href: string, detail: string): void {
  const { log, host, options } = observed
  const url = new URL(href, host.baseUrl())
  const known = log.known().endpoints[`${url.origin}${url.pathname}`] as Purpose | undefined
  const isSignIn = url.searchParams.has('client_id') && !url.searchParams.has('id_token_hint')
  const isBackEnd = options.issuer === undefined
  const purpose = isBackEnd ? 'back-end' : (known ?? (isSignIn ? 'authorize' : 'end-session'))
  const values = valuesOfUrl(url)
  if (isBackEnd && url.pathname === `${options.basePath ?? '/auth'}/login`) {
    observed.counts.begun += 1
    recordSignIn(log, 'redirect')
  }
  if (values.some(({ name }) => name === 'code_challenge')) recordValues(observed, values)
  log.add({
    type: 'message',
    purpose,
    from: 'client',
    to: 'server',
    label: `GET ${withoutTokens(url.pathname)}`,
    navigates: true,
    method: 'GET',
    url: withoutTokens(`${url.origin}${url.pathname}`),
    detail,
    values,
    checks: [],
  })
}

/** The page that the user comes back to, seen before the client takes the answer out of its address. */
function recordArrival(observed: Observed): void {
  const href = observed.host.url()
  if (href !== undefined && observed.options.issuer !== undefined) recordCallback(observed, href)
}

export function recordCallback(observed: Observed, href: string): void {
  const { log, options } = observed
  const url = new URL(href)
  const { searchParams: query } = url
  const state = query.get('state')
  if (state === null || !(query.has('code') || query.has('error'))) return
  const checks = checkCallback(log.steps(), url, options)
  const isFirst = checks.find(({ text }) => text.includes('not used before'))!.holds
  if (isFirst) recordPerson(observed, state)
  const error = query.get('error')
  log.add({
    type: 'message',
    purpose: 'callback',
    from: 'server',
    to: 'client',
    label: isFirst ? `302 ${withoutTokens(url.pathname)}` : `${withoutTokens(url.pathname)}, again`,
    navigates: true,
    ...((error !== null || checks.some(({ holds }) => !holds)) && { refused: true }),
    method: 'GET',
    url: withoutTokens(`${url.origin}${url.pathname}`),
    values: valuesOfUrl(url),
    checks,
  })
}

/** Nobody but the server sees this; in a silent sign-in there is nothing to see. */
function recordPerson({ log }: Observed, state: string): void {
  const request = requestOf(log.steps(), fingerprint(state))
  const prompt = request?.values.find(({ name }) => name === 'prompt')?.text
  if (!request || prompt === 'none') return
  log.add({
    type: 'message',
    purpose: 'person',
    from: 'user',
    to: 'server',
    label: 'signs in at the server',
    values: [],
    checks: [],
  })
}

function recordingHost(observed: Observed): Host {
  const { host } = observed
  return over(host, {
    navigate(url, options) {
      safely(() => recordDeparture(observed, url, 'the browser leaves this page'))
      host.navigate(url, options)
    },
  })
}

export function recordSignIn(log: Log, mode: string): void {
  log.add({
    type: 'message',
    purpose: 'sign-in',
    from: 'app',
    to: 'client',
    label: `sign in (${withoutTokens(mode)})`,
    values: [],
    checks: [],
  })
}

function recordingNavigator(observed: Observed, navigator: Navigator): Navigator {
  return over(navigator, {
    open(host, clock) {
      const navigation = navigator.open(host, clock)
      // The event tells of it later, when the server was found.
      observed.counts.begun += 1
      safely(() => recordSignIn(observed.log, navigation.mode))
      // It leaves the page by the host, which records.
      if (navigation.mode === 'redirect') return navigation
      const how = `in another window (${navigation.mode})`
      return over(navigation, {
        async go(request) {
          safely(() => recordDeparture(observed, request.url.href, how))
          const answer = await navigation.go(request)
          if (answer) safely(() => recordReturn(observed, answer, request.state))
          return answer
        },
      })
    },
  })
}

/** The window that got the answer has recorded it, if it runs the app. */
function recordReturn(observed: Observed, answer: URL, state: string): void {
  const seen = carriers(observed.log.steps(), 'state', state)
  if (!seen.some(({ purpose }) => purpose === 'callback')) recordCallback(observed, answer.href)
}
