import { describe, expect, test } from 'vitest'
import { appSees, judge, summarise, thiefSends } from '../../examples/playground/verdict.ts'
import type { TroubleName } from '../../examples/playground/verdict.ts'
import type { Lane, Message, Purpose, Step } from '../../src/devtools/steps.ts'
import type { Session } from '../../src/index.ts'

const signedIn: Session = { status: 'signed-in', scope: 'openid', stale: false }
const stale: Session = { ...signedIn, stale: true }
const signedOut = (
  reason: 'signed-out' | 'ended-by-server' | 'refresh-response-lost',
): Session => ({
  status: 'signed-out',
  reason,
})

let count = 0
const common = (label: string, tab = 'here') => ({
  id: `step-${(count += 1)}`,
  tab,
  at: count,
  label,
})

const cut = (): Step[] => [{ ...common('You pressed something'), type: 'cut' }]

const message = (from: Lane, to: Lane, more: Partial<Message> & { label: string }): Message => ({
  ...common(more.label, more.tab),
  type: 'message',
  purpose: 'app',
  from,
  to,
  values: [],
  checks: [],
  ...more,
})

interface Exchange {
  status?: number | undefined
  milliseconds?: number
  tab?: string
  /** What happens between the request and its answer. */
  meanwhile?: Step[]
}

/** A request of the client, and its answer. */
function exchange(
  purpose: Purpose,
  { status, milliseconds = 5, tab = 'here', meanwhile = [] }: Exchange = {},
): Step[] {
  const lane = purpose === 'api' ? 'api' : 'server'
  const request = message('client', lane, { label: purpose, purpose, tab })
  const answer = message(lane, 'client', {
    label: status === undefined ? 'no answer' : String(status),
    purpose,
    tab,
    answers: request.id,
    milliseconds,
    ...(status !== undefined && { status }),
    ...(status === 200 && { values: [{ name: 'access_token', text: '…', place: 'body' }] }),
  })
  return [request, ...meanwhile, answer]
}

const api = (status: number) => exchange('api', { status })
const renewal = (more: Exchange = {}) => exchange('refresh', { status: 200, ...more })
const code = (status = 200) => exchange('token', { status })
const keys = () => exchange('keys', { status: 200 })
const sees = (what: string): Step[] => [message('client', 'app', { label: appSees(what) })]
const away = (): Step[] => [
  message('client', 'server', { label: 'GET /authorize', purpose: 'authorize', navigates: true }),
]
const thief = (status: number): Step[] => [
  message('user', 'server', { label: thiefSends }),
  message('server', 'user', { label: `${status} something, for the thief` }),
]

const verdictOf = (trouble: TroubleName, steps: Step[][], session: Session = signedIn) =>
  judge(trouble, summarise([...api(500), ...cut(), ...steps.flat()], session))

interface Run {
  trouble: TroubleName
  steps: Step[][]
  session?: Session
  says: string
}

const right: Record<string, Run> = {
  'a 401 that the app does not notice': {
    trouble: 'api-401',
    steps: [api(401), renewal(), api(200), sees('200 { name: "Ada" }')],
    says: 'renewed the token once and sent the call once more. Your code got one answer, 200, and did not notice the 401',
  },
  'an access token that expired': {
    trouble: 'expire',
    steps: [api(401), renewal(), api(200), sees('200')],
    says: 'did not notice the 401',
  },
  'a session that the server has ended': {
    trouble: 'revoke',
    steps: [api(401), renewal({ status: 400 }), sees('session_ended')],
    session: signedOut('ended-by-server'),
    says: 'with the reason ended-by-server',
  },
  'new keys': {
    trouble: 'rotate',
    steps: [away(), code(), keys(), sees('signed-in')],
    says: 'fetched its keys once',
  },
  'no network': {
    trouble: 'offline',
    steps: [renewal({ status: undefined }), renewal({ status: undefined }), sees('network')],
    session: stale,
    says: 'No answer came to 2 requests. You are still signed in',
  },
  'a slow server': {
    trouble: 'slow',
    steps: [
      renewal({ milliseconds: 3012, meanwhile: [...api(200), ...sees('200')] }),
      sees('signed-in'),
    ],
    says: 'The server took 3.0 s. You stayed signed in, and your call to the API did not wait',
  },
  'a busy server': {
    trouble: 'busy',
    steps: [
      renewal({ status: 503 }),
      sees('server_error'),
      sees('server_error'),
      api(200),
      sees('200'),
    ],
    session: stale,
    says: 'had asked once; the second auth.refresh() sent nothing',
  },
  'a busy server, and an access token that has expired': {
    trouble: 'busy',
    steps: [renewal({ status: 503 }), sees('server_error'), sees('server_error')],
    session: stale,
    says: 'your call was told to try again later',
  },
  'the page of a hotel': {
    trouble: 'hotel',
    steps: [renewal(), sees('network'), sees('network'), api(200), sees('200')],
    session: stale,
    says: 'took nothing from the page',
  },
  'a network that is back': {
    trouble: 'recovered',
    steps: [renewal(), api(200), sees('200')],
    says: 'renewed once, the session is no longer stale',
  },
  'a try that was refused just before the network was back': {
    trouble: 'recovered',
    steps: [renewal({ status: 503 }), renewal(), api(200), sees('200')],
    says: 'renewed once, the session is no longer stale',
  },
  'a network that was not missed': {
    trouble: 'recovered',
    steps: [api(200), sees('200')],
    says: 'nothing had to be renewed',
  },
  'a lost answer': {
    trouble: 'lose',
    steps: [renewal({ status: undefined }), renewal({ status: 400 }), sees('session_ended')],
    session: signedOut('refresh-response-lost'),
    says: 'sent the refresh token once more',
  },
  'a clock that jumped': {
    trouble: 'clock',
    steps: [renewal(), api(200), sees('200')],
    says: 'the token was renewed once',
  },
  'a sign-in with a wrong clock': {
    trouble: 'clock',
    steps: [away(), code(), sees('signed-in'), api(200), sees('200')],
    says: 'The sign-in worked with a wrong clock',
  },
  'a night': {
    trouble: 'sleep',
    steps: [renewal(), api(200), sees('200')],
    says: 'Nobody has to sign in again',
  },
  'a stolen code': {
    trouble: 'steal',
    steps: [away(), thief(400), code(400), sees('server_error')],
    says: 'The server answered 400: no token. A code alone is worthless, because the server also wants the verifier',
  },
  'a stolen code at a server that lets the app try after the thief': {
    trouble: 'steal',
    steps: [away(), thief(400), code(), sees('signed-in')],
    says: 'Your app sent the code with the verifier, and is signed in',
  },
  'an old callback': {
    trouble: 'replay',
    steps: [sees('already-signed-in')],
    says: 'no request left the page. Your code got already-signed-in',
  },
  'a state of somebody else': {
    trouble: 'tamper',
    steps: [away(), sees('restored'), sees('transaction_not_found')],
    session: signedOut('signed-out'),
    says: '0 codes were sent',
  },
  'a swapped ID token': {
    trouble: 'swap',
    steps: [away(), code(), keys(), sees('id_token_invalid')],
    session: signedOut('signed-out'),
    says: 'refused the whole answer with id_token_invalid: nobody is signed in',
  },
  'an old ID token, and a session of before': {
    trouble: 'old-token',
    steps: [away(), code(), keys(), sees('id_token_invalid')],
    says: 'the session of before goes on',
  },
  'another issuer': {
    trouble: 'mix-up',
    steps: [away(), sees('issuer_mismatch')],
    says: 'the code was sent to nobody',
  },
  'a token for another place': {
    trouble: 'elsewhere',
    steps: [sees('resource_not_allowed')],
    says: 'no request left the page',
  },
  'two tabs at once': {
    trouble: 'two-tabs',
    steps: [renewal({ tab: 'there' }), sees('signed-in'), sees('signed-in')],
    says: 'one request was sent',
  },
  'a sign-out in another tab': {
    trouble: 'sign-out-elsewhere',
    steps: [exchange('revocation', { status: 200, tab: 'there' })],
    session: signedOut('signed-out'),
    says: 'This tab sent nothing',
  },
}

const wrong: Record<string, Run> = {
  'two renewals for one 401': {
    trouble: 'api-401',
    steps: [api(401), renewal(), renewal(), api(200), sees('200')],
    says: 'there were 2 renewals, and 1 was due',
  },
  'a 401 that reaches the app': {
    trouble: 'api-401',
    steps: [api(401), sees('401')],
    says: 'your code got 401, and should have got 200',
  },
  'a call that is sent three times': {
    trouble: 'expire',
    steps: [api(401), renewal(), api(401), api(200), sees('200')],
    says: 'the API answered 401, 401, 200, and should have answered 401, 200',
  },
  'a session that outlives its end': {
    trouble: 'revoke',
    steps: [api(401), renewal({ status: 400 }), sees('server_error')],
    says: 'the session did not end',
  },
  'a session that ends for the wrong reason': {
    trouble: 'revoke',
    steps: [api(401), renewal({ status: 400 }), sees('session_ended')],
    session: signedOut('refresh-response-lost'),
    says: 'the session ended with refresh-response-lost, not with ended-by-server',
  },
  'a code that is sent twice': {
    trouble: 'rotate',
    steps: [code(400), code(), keys(), sees('signed-in')],
    says: 'the code was sent to the token endpoint twice',
  },
  'keys that are fetched over and over': {
    trouble: 'rotate',
    steps: [code(), keys(), keys(), sees('signed-in')],
    says: 'the keys were fetched twice',
  },
  'a sign-out because the network is gone': {
    trouble: 'offline',
    steps: [renewal({ status: undefined }), sees('network')],
    session: signedOut('ended-by-server'),
    says: 'the session ended (ended-by-server)',
  },
  'an app that is not told that the session is stale': {
    trouble: 'offline',
    steps: [renewal({ status: undefined }), sees('network')],
    says: 'the session is not marked as stale',
  },
  'an app that hammers the network': {
    trouble: 'offline',
    steps: [1, 2, 3].map(() => renewal({ status: undefined })).concat([sees('network')]),
    session: stale,
    says: 'it tried 3 times at once',
  },
  'a sign-out because the server is slow': {
    trouble: 'slow',
    steps: [renewal({ milliseconds: 3000 }), sees('timeout')],
    session: signedOut('ended-by-server'),
    says: 'your code got timeout',
  },
  'a busy server that is asked again': {
    trouble: 'busy',
    steps: [renewal({ status: 503 }), renewal({ status: 503 }), sees('server_error')],
    session: stale,
    says: 'it asked the busy server twice instead of waiting',
  },
  'a call that fails although its token is good': {
    trouble: 'hotel',
    steps: [renewal(), sees('network'), api(401), sees('401')],
    session: stale,
    says: 'got 401 although the old access token still works',
  },
  'a sign-out because of a page of a hotel': {
    trouble: 'hotel',
    steps: [renewal(), sees('session_ended')],
    session: signedOut('ended-by-server'),
    says: 'the session ended (ended-by-server)',
  },
  'a page of a hotel that is asked for over and over': {
    trouble: 'hotel',
    steps: [renewal(), renewal(), sees('network'), api(200), sees('200')],
    session: stale,
    says: 'it asked twice instead of waiting',
  },
  'two renewals when the network is back': {
    trouble: 'recovered',
    steps: [renewal(), renewal(), api(200), sees('200')],
    says: 'the token was renewed twice',
  },
  'a session that stays stale': {
    trouble: 'recovered',
    steps: [api(200), sees('200')],
    session: stale,
    says: 'the session is still stale',
  },
  'a lost answer that is called the end by the server': {
    trouble: 'lose',
    steps: [renewal({ status: undefined }), renewal({ status: 400 })],
    session: signedOut('ended-by-server'),
    says: 'not with refresh-response-lost',
  },
  'a refresh token that is not sent again': {
    trouble: 'lose',
    steps: [renewal({ status: undefined })],
    session: signedOut('refresh-response-lost'),
    says: 'the refresh token was sent once',
  },
  'a clock that signs people out': {
    trouble: 'clock',
    steps: [sees('session_ended')],
    session: signedOut('ended-by-server'),
    says: 'your code got session_ended, and should have got 200',
  },
  'a clock that makes the client renew twice': {
    trouble: 'clock',
    steps: [renewal(), renewal(), api(200), sees('200')],
    says: 'the token was renewed twice',
  },
  'a morning without a renewal': {
    trouble: 'sleep',
    steps: [api(200), sees('200')],
    says: 'there were 0 renewals, and 1 was due',
  },
  'tokens for the thief': {
    trouble: 'steal',
    steps: [thief(200), code(400), sees('server_error')],
    says: 'the server gave tokens to the thief (200)',
  },
  'a stolen code that the app does not give up': {
    trouble: 'steal',
    steps: [thief(400), code(400), code(400), sees('server_error')],
    says: 'your app sent the code twice',
  },
  'a theft that did not happen': {
    trouble: 'steal',
    steps: [code(), sees('signed-in')],
    says: 'the thief did not get to the server',
  },
  'an old callback whose code is sent again': {
    trouble: 'replay',
    steps: [code(400), sees('server_error')],
    says: 'a code was sent to the token endpoint once',
  },
  'a code that came with the state of somebody else': {
    trouble: 'tamper',
    steps: [code(), sees('signed-in'), sees('transaction_not_found')],
    says: 'your code got signed-in for the state of somebody else',
  },
  'a session after a failed check': {
    trouble: 'swap',
    steps: [code(), keys(), sees('signed-in')],
    says: 'your code got signed-in, and should have got id_token_invalid',
  },
  'a session after the wrong nonce': {
    trouble: 'old-token',
    steps: [code(), keys(), sees('signed-in')],
    says: 'should have got id_token_invalid',
  },
  'a code that is sent after a wrong issuer': {
    trouble: 'mix-up',
    steps: [code(), sees('issuer_mismatch')],
    says: 'a code was sent to the token endpoint once',
  },
  'a token that is sent to another place': {
    trouble: 'elsewhere',
    steps: [api(200), sees('200')],
    says: '1 requests left the page',
  },
  'two requests of two tabs': {
    trouble: 'two-tabs',
    steps: [renewal(), renewal({ tab: 'there' }), sees('signed-in'), sees('signed-in')],
    says: 'there were 2 renewals, and 1 was due',
  },
  'a tab that is signed out because the other one renewed': {
    trouble: 'two-tabs',
    steps: [renewal(), sees('signed-in'), sees('session_ended')],
    says: 'the two tabs got signed-in, session_ended',
  },
  'a tab that is still signed in': {
    trouble: 'sign-out-elsewhere',
    steps: [exchange('revocation', { status: 200, tab: 'there' })],
    says: 'this tab is still signed in',
  },
}

describe('the verdict of the playground', () => {
  test.each(Object.entries(right))(
    '%s: as it should be',
    (_, { trouble, steps, session, says }) => {
      expect(verdictOf(trouble, steps, session)).toEqual({
        holds: true,
        text: expect.stringContaining(says),
      })
    },
  )

  test.each(Object.entries(wrong))('%s: this must not happen', (_, run) => {
    const { holds, text } = verdictOf(run.trouble, run.steps, run.session)
    expect(holds).toBe(false)
    expect(text.toLowerCase()).toContain(run.says.toLowerCase())
  })

  test('every trouble has a right run and a wrong one', () => {
    const troubles = (runs: Record<string, Run>) => [
      ...new Set(Object.values(runs).map(({ trouble }) => trouble)),
    ]
    expect(troubles(wrong).sort()).toEqual(troubles(right).sort())
  })

  test('a request that is sent again with a nonce is one request, and a page that is left is none', () => {
    const [first, second] = code(400) as [Message, Message]
    const forNonce: Step[] = [first, { ...second, label: '400 use_dpop_nonce' }]
    expect(summarise([...cut(), ...away(), ...forNonce, ...code()], signedIn)).toMatchObject({
      codesSent: 1,
      renewals: 0,
      requests: 1,
      tokenStatuses: [200],
    })
  })

  test('what was recorded before the heading does not count', () => {
    const before = [...cut(), ...api(401), ...renewal(), ...sees('401')]
    const steps = [...before, ...cut(), ...api(200), ...sees('200')]
    expect(summarise(steps, signedIn)).toMatchObject({
      renewals: 0,
      apiStatuses: [200],
      seen: ['200'],
    })
  })
})
