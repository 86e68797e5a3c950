// What came of a trouble, computed from what was recorded. It knows what should happen, and says so when something else did.
import type { Session } from 'pkce-client'
import type { Message, Step } from 'pkce-client/devtools'

/** Every trouble that ends with a verdict. */
export type TroubleName =
  | 'api-401'
  | 'expire'
  | 'revoke'
  | 'rotate'
  | 'offline'
  | 'slow'
  | 'busy'
  | 'hotel'
  | 'recovered'
  | 'lose'
  | 'clock'
  | 'sleep'
  | 'steal'
  | 'replay'
  | 'tamper'
  | 'swap'
  | 'old-token'
  | 'mix-up'
  | 'elsewhere'
  | 'two-tabs'
  | 'sign-out-elsewhere'

/** What happened since the last heading, in numbers. */
export interface Summary {
  /** Requests that sent a code to the token endpoint. */
  codesSent: number
  /** Requests that sent a refresh token to the token endpoint, in all tabs. */
  renewals: number
  /** Those of them that brought new tokens. */
  renewed: number
  /** What the token endpoint answered to either; 0 where no answer came. */
  tokenStatuses: number[]
  /** Milliseconds of its slowest answer. */
  slowest: number
  /** What the API answered; 0 where no answer came. */
  apiStatuses: number[]
  /** An API request was answered before a token request was. */
  apiDidNotWait: boolean
  /** How often the keys of the server were fetched. */
  keyRequests: number
  /** Requests of any kind that the client of this tab sent. */
  requests: number
  /** Requests of any tab that wait for an answer. */
  unanswered: number
  /** What the server answered to the thief. */
  thief: number[]
  /** What the app's own code got to see: a status, a result or the code of an error. */
  seen: string[]
  /** What this page computed again, and found wrong. */
  failedChecks: string[]
  /** The session of this tab, afterwards. */
  session: Session
}

/** How the playground words what the app gets to see, so that it can be counted. */
export const appSees = (what: string): string => `your code gets: ${what}`
export const thiefSends = 'a thief sends the code, and a verifier of its own'

/** Counts what was recorded since the last heading. */
export function summarise(recorded: readonly Step[], session: Session): Summary {
  const from = recorded.map(({ type }) => type).lastIndexOf('cut')
  const steps = recorded.slice(from + 1)
  const messages = steps.filter((step) => step.type === 'message')
  const answerTo = ({ id }: Message) => messages.find(({ answers }) => answers === id)
  // A request that has to be repeated with a nonce of the server (RFC 9449 §8) is one request.
  const isForNonce = (request: Message) => answerTo(request)?.label.includes('use_dpop_nonce')
  const sent = messages.filter(
    (step) => step.from === 'client' && isOnTheWire(step) && !isForNonce(step),
  )
  const requestsFor = (...purposes: string[]) =>
    sent.filter(({ purpose }) => purposes.includes(purpose))
  const statusesOf = (requests: Message[]) =>
    requests.map((request) => answerTo(request)?.status ?? 0)
  const tokens = requestsFor('token', 'refresh')
  const calls = requestsFor('api')
  const own = recorded[from]?.tab
  const indexOf = (step: Message | undefined) => (step ? steps.indexOf(step) : Infinity)
  return {
    codesSent: requestsFor('token').length,
    renewals: requestsFor('refresh').length,
    renewed: requestsFor('refresh').filter((request) =>
      answerTo(request)?.values.some(({ name }) => name === 'access_token'),
    ).length,
    tokenStatuses: statusesOf(tokens),
    slowest: Math.max(0, ...tokens.map((request) => answerTo(request)?.milliseconds ?? 0)),
    apiStatuses: statusesOf(calls),
    apiDidNotWait: calls.some((call) =>
      tokens.some((request) => indexOf(answerTo(call)) < indexOf(answerTo(request))),
    ),
    keyRequests: requestsFor('keys').length,
    requests: sent.filter(({ tab }) => own === undefined || tab === own).length,
    unanswered: sent.filter((request) => !answerTo(request)).length,
    thief: messages
      .filter(
        ({ from, to, status, label }) =>
          from === 'server' && to === 'user' && !status && /^\d/.test(label),
      )
      .map(({ label }) => parseInt(label)),
    seen: messages.flatMap(({ label }) => /^your code gets: ([\w-]+)/.exec(label)?.[1] ?? []),
    failedChecks: steps.flatMap((step) =>
      'checks' in step ? step.checks.filter(({ holds }) => !holds).map(({ text }) => text) : [],
    ),
    session,
  }
}

const isOnTheWire = ({ to, navigates }: Message) => (to === 'server' || to === 'api') && !navigates

/** Whether something holds, and what to say when it does not. */
type Expectation = readonly [holds: boolean, otherwise: string]

interface Judgement {
  /** What happened, for somebody who knows JavaScript and not OAuth. */
  story(summary: Summary): string
  must(summary: Summary): Expectation[]
}

/** What came of a trouble, in a few sentences; or, where something else should have come of it, what was wrong. */
export function judge(trouble: TroubleName, summary: Summary): { text: string; holds: boolean } {
  const { story, must } = judgements[trouble]
  const wrong = must(summary)
    .filter(([holds]) => !holds)
    .map(([, otherwise]) => otherwise)
  if (wrong.length === 0) return { text: story(summary), holds: true }
  const text = `${wrong.join('; ')}.`
  return { text: text.charAt(0).toUpperCase() + text.slice(1), holds: false }
}

const times = (count: number): string => ['0 times', 'once', 'twice'][count] ?? `${count} times`

const last = ({ seen }: Summary): string => seen.at(-1) ?? 'nothing'
const isSignedIn = ({ session }: Summary): boolean => session.status === 'signed-in'
const isStale = ({ session }: Summary): boolean => session.status === 'signed-in' && session.stale
const reasonOf = ({ session }: Summary): string =>
  (session.status === 'signed-out' && session.reason) || 'no reason'

const renewed = (summary: Summary, count: number): Expectation => [
  summary.renewals === count,
  `there were ${summary.renewals} renewals, and ${count} was due`,
]
const gets = (summary: Summary, ...wanted: string[]): Expectation => [
  wanted.includes(last(summary)),
  `your code got ${last(summary)}, and should have got ${wanted.join(' or ')}`,
]
const staysSignedIn = (summary: Summary): Expectation => [
  isSignedIn(summary),
  `the session ended (${reasonOf(summary)})`,
]
const endsWith = (summary: Summary, reason: string): Expectation => [
  reasonOf(summary) === reason,
  isSignedIn(summary)
    ? 'the session did not end'
    : `the session ended with ${reasonOf(summary)}, not with ${reason}`,
]
const sendsNoCode = ({ codesSent }: Summary): Expectation => [
  codesSent === 0,
  `a code was sent to the token endpoint ${times(codesSent)}`,
]
const sendsCodeOnce = ({ codesSent }: Summary): Expectation => [
  codesSent === 1,
  `the code was sent to the token endpoint ${times(codesSent)}`,
]
const isQuiet = ({ requests }: Summary): Expectation => [
  requests === 0,
  `${requests} requests left the page`,
]
const getsAway = ({ apiStatuses }: Summary, wanted: number[]): Expectation => [
  String(apiStatuses) === String(wanted),
  `the API answered ${apiStatuses.join(', ') || 'nothing'}, and should have answered ${wanted.join(', ')}`,
]
/** A call goes on with the old access token; where that has expired, it is not sent. */
const goesOn = (summary: Summary): Expectation => [
  last(summary) === '200' || summary.apiStatuses.length === 0,
  `your call to the API got ${last(summary)} although the old access token still works`,
]
const callsGoOn = (summary: Summary): string =>
  last(summary) === '200'
    ? 'Your calls to the API go on with the old access token.'
    : 'The old access token has expired, so your call was told to try again later.'

const tokenRefused: Judgement = {
  story: (summary) =>
    `The API answered 401: it did not accept the access token. pkce-client renewed the token ${times(summary.renewals)} and sent the call ${times(summary.apiStatuses.length - 1)} more. Your code got one answer, ${last(summary)}, and did not notice the 401.`,
  must: (summary) => [
    renewed(summary, 1),
    getsAway(summary, [401, 200]),
    gets(summary, '200'),
    staysSignedIn(summary),
  ],
}

const refusedIdToken = (why: string): Judgement => ({
  story: (summary) =>
    `${why} pkce-client checked it before anything was stored and refused the whole answer with ${last(summary)}: ${whoIsThere(summary)}`,
  must: (summary) => [sendsCodeOnce(summary), gets(summary, 'id_token_invalid')],
})

const whoIsThere = (summary: Summary): string =>
  isSignedIn(summary) ? 'the session of before goes on.' : 'nobody is signed in.'

/** What the app's own exchange of a stolen code came to. */
const afterTheft = (summary: Summary): string =>
  last(summary) === 'signed-in'
    ? 'Your app sent the code with the verifier, and is signed in.'
    : `After a wrong verifier the server cancels the code for everybody: your app got ${last(summary)}, and ${whoIsThere(summary)} Signing in again makes a new code.`

const judgements: Record<TroubleName, Judgement> = {
  'api-401': tokenRefused,
  expire: tokenRefused,
  revoke: {
    story: (summary) =>
      `The server has ended the session. pkce-client found out with the next call, asked for new tokens ${times(summary.renewals)}, was refused, and did not ask again. The session is signed-out in all tabs, with the reason ${reasonOf(summary)}, so that your app can say why.`,
    must: (summary) => [renewed(summary, 1), endsWith(summary, 'ended-by-server')],
  },
  rotate: {
    story: (summary) =>
      `The server signs with new keys now. pkce-client fetched its keys ${times(summary.keyRequests)}, found the new one, and the ID token passed all checks.`,
    must: (summary) => [
      [summary.keyRequests <= 1, `the keys were fetched ${times(summary.keyRequests)}`],
      sendsCodeOnce(summary),
      gets(summary, 'signed-in'),
      staysSignedIn(summary),
    ],
  },
  offline: {
    story: (summary) =>
      `No answer came to ${summary.requests === 1 ? 'the request' : `${summary.requests} requests`}. You are still signed in: the session is stale, and pkce-client tries again by itself, after longer and longer pauses, and at once when the network is back. Switch it off and watch.`,
    must: (summary) => [
      [
        summary.requests >= 1 && summary.requests <= 2,
        `it tried ${times(summary.requests)} at once`,
      ],
      gets(summary, 'network'),
      staysSignedIn(summary),
      [isStale(summary), 'the session is not marked as stale'],
    ],
  },
  slow: {
    story: (summary) =>
      `The server took ${(summary.slowest / 1000).toFixed(1)} s. You stayed signed in${summary.apiDidNotWait ? ', and your call to the API did not wait: it was answered meanwhile, with the old access token' : ''}.`,
    must: (summary) => [
      renewed(summary, 1),
      [
        summary.seen.includes('200') && summary.seen.includes('signed-in'),
        `your code got ${summary.seen.join(', ') || 'nothing'}`,
      ],
      staysSignedIn(summary),
    ],
  },
  busy: {
    story: (summary) =>
      `The server answered 503 and asked for time. pkce-client had asked ${times(summary.renewals)}; the second auth.refresh() sent nothing, because the time is not over. You are still signed in. ${callsGoOn(summary)}`,
    must: (summary) => [
      [
        summary.renewals === 1,
        `it asked the busy server ${times(summary.renewals)} instead of waiting`,
      ],
      staysSignedIn(summary),
      goesOn(summary),
    ],
  },
  hotel: {
    story: (summary) =>
      `A web page came where tokens should be, as in a hotel before you log in to its Wi-Fi. pkce-client had asked ${times(summary.renewals)}, took nothing from the page, and waits. You are still signed in. ${callsGoOn(summary)}`,
    must: (summary) => [
      [summary.renewals === 1, `it asked ${times(summary.renewals)} instead of waiting`],
      staysSignedIn(summary),
      goesOn(summary),
    ],
  },
  recovered: {
    story: (summary) =>
      summary.renewed === 0
        ? `All works again. The tokens were good, so nothing had to be renewed. Your code got ${last(summary)}.`
        : `All works again. pkce-client did not wait for its pause to end: it renewed ${times(summary.renewed)}, the session is no longer stale, and your code got ${last(summary)}.`,
    must: (summary) => [
      [summary.renewed <= 1, `the token was renewed ${times(summary.renewed)}`],
      gets(summary, '200'),
      staysSignedIn(summary),
      [!isStale(summary), 'the session is still stale'],
    ],
  },
  lose: {
    story: (summary) =>
      `The server renewed the tokens, and its answer was lost. pkce-client could not know that, so it sent the refresh token ${times(summary.renewals - 1)} more. This server is strict: it takes the second use for a theft, and ended the session. The reason is ${reasonOf(summary)}, so that your app can say that the connection failed. A server with a grace period would have answered, and nobody would have noticed.`,
    must: (summary) => [
      [summary.renewals === 2, `the refresh token was sent ${times(summary.renewals)}`],
      endsWith(summary, 'refresh-response-lost'),
    ],
  },
  clock: {
    story: (summary) =>
      `${summary.codesSent > 0 ? 'The sign-in worked with a wrong clock' : summary.renewals > 0 ? `The clock jumped, and the token was renewed ${times(summary.renewals)}` : 'The clock jumped, and nothing had to be renewed'}. Your code got ${last(summary)}. Lifetimes are counted on your clock alone, and never compared with the time of the server.`,
    must: (summary) => [
      [summary.renewals <= 1, `the token was renewed ${times(summary.renewals)}`],
      gets(summary, '200'),
      staysSignedIn(summary),
    ],
  },
  sleep: {
    story: (summary) =>
      `The access token expired during the night. When the page woke up, pkce-client renewed it ${times(summary.renewals)}, the first call waited for that, and your code got ${last(summary)}. Nobody has to sign in again.`,
    must: (summary) => [
      renewed(summary, 1),
      getsAway(summary, [200]),
      gets(summary, '200'),
      staysSignedIn(summary),
    ],
  },
  steal: {
    story: (summary) =>
      `A thief read the code in the address and was first to use it. The server answered ${summary.thief.join(', ')}: no token. A code alone is worthless, because the server also wants the verifier: a secret that this page made and kept, and of which only the hash went through the address. ${afterTheft(summary)}`,
    must: (summary) => [
      [summary.thief.length > 0, 'the thief did not get to the server'],
      [
        summary.thief.every((status) => status >= 400),
        `the server gave tokens to the thief (${summary.thief.join(', ')})`,
      ],
      [summary.codesSent <= 1, `your app sent the code ${times(summary.codesSent)}`],
    ],
  },
  replay: {
    story: (summary) =>
      `The old callback URL was loaded again, as Back or a bookmark does. Its state was used before, so no request left the page. Your code got ${last(summary)}${isSignedIn(summary) ? ': the session goes on, and there is no error to explain' : ''}.`,
    must: (summary) => [
      sendsNoCode(summary),
      isQuiet(summary),
      gets(summary, 'already-signed-in', 'transaction_consumed'),
    ],
  },
  tamper: {
    story: (summary) =>
      `Two callbacks came that this page had not asked for. A state of somebody else: not an answer for this app, so it was left alone (${summary.seen[0]}). A state that looks like ours but is not stored here: ${last(summary)}. ${summary.codesSent} codes were sent, so nobody can sign you in to an account of theirs.`,
    must: (summary) => [
      sendsNoCode(summary),
      [
        summary.seen[0] === 'restored',
        `your code got ${summary.seen[0] ?? 'nothing'} for the state of somebody else`,
      ],
      gets(summary, 'transaction_not_found', 'already-signed-in'),
    ],
  },
  swap: refusedIdToken('The ID token was signed with a key that is not the server’s.'),
  'old-token': refusedIdToken(
    'The ID token was genuine, but for another sign-in: it had another nonce.',
  ),
  'mix-up': {
    story: (summary) =>
      `The answer named another issuer than the one that was asked. A hostile server could collect codes like this. Your code got ${last(summary)}, and the code was sent to nobody.`,
    must: (summary) => [sendsNoCode(summary), gets(summary, 'issuer_mismatch')],
  },
  elsewhere: {
    story: (summary) =>
      `That address is not under a listed resource. Your code got ${last(summary)}, and no request left the page: a token cannot be sent to the wrong place by mistake.`,
    must: (summary) => [isQuiet(summary), gets(summary, 'resource_not_allowed')],
  },
  'two-tabs': {
    story: (summary) =>
      `Both tabs wanted new tokens at once, and ${summary.renewals === 1 ? 'one request was sent' : `${summary.renewals} requests were sent`}. The tab that had the lock renewed; the other one waited and took the result from the store. Two requests with one refresh token would have looked like a theft.`,
    must: (summary) => [
      renewed(summary, 1),
      [
        summary.seen.filter((what) => what === 'signed-in').length === 2,
        `the two tabs got ${summary.seen.join(', ') || 'nothing'}`,
      ],
      staysSignedIn(summary),
    ],
  },
  'sign-out-elsewhere': {
    story: (summary) =>
      `The other tab signed out. This tab sent nothing, read the store, and is signed out as well (${reasonOf(summary)}).`,
    must: (summary) => [
      [!isSignedIn(summary), 'this tab is still signed in'],
      endsWith(summary, 'signed-out'),
      isQuiet(summary),
    ],
  },
}
