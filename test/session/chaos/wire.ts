import type { AuthServer, FakeClock } from '../../../src/testing/index.ts'
import { turn } from './quick-clock.ts'

/** The API with a token of its own. */
export const secondApi = 'https://bills.example.com/'

/** What becomes of a refresh request, apart from what the server makes of it. */
export type Fate =
  | 'breaks off before it arrives'
  | 'never arrives'
  | 'is processed and its answer lost'
  | 'is processed and never answered'
  | 'is processed and its answer held'

/** One sign-in at the server, and what came of it. */
export interface Family {
  readonly sub: string
  /** When it began, in milliseconds. */
  readonly since: number
  /** The server has ended it, whether or not anybody was told. */
  ended: boolean
  /** The server has said that it is over. */
  refused: boolean
  /** The server has sent an ID token for another user. */
  mistaken: boolean
  /** What its tokens are bound to, if they are: the key that its code was exchanged with. */
  readonly key: string | undefined
  /** The browser has lost that key, at least for pages that are loaded from now on. */
  keyLost: boolean
  /** When a refusal arrived that does not say why, in milliseconds of the clock of the computer. */
  readonly unclear: number[]
}

/** Who sends: a page can be stopped between its request and what it does with the answer. */
export interface Sender {
  /** How often it was frozen, put away, killed or closed. */
  lapses: number
  /** How many records had been written when it was loaded or woken last. */
  wokenAt: number
  /** When it was, in milliseconds of the clock of the computer. */
  wokenWhen: number
  /** It is woken. */
  woken: () => void
  /** Resolves once the page runs, if ever. */
  runs: () => Promise<void>
  /** Called before a refresh request leaves. */
  departing: (sending: Sending) => void
}

/** One refresh request. */
export interface Sending {
  readonly token: string
  /** The API that the access token is for. */
  readonly api: string
  readonly family: Family
  readonly by: Sender
  readonly lapses: number
  readonly at: number
  /** The page waits for it no more. */
  over: boolean
  /** What the page could know of it. */
  outcome: 'granted' | 'refused' | 'passing' | 'unclear' | 'unknown'
  /** The refresh token that the server gave for it, whether or not that arrived. */
  successor?: string
  /** The access token that the server gave for it. */
  brought?: string
  /** The tokens it brought were saved in the store. */
  kept: boolean
  /** Since when, in milliseconds. */
  keptAt?: number
}

export interface Wire {
  readonly sendings: readonly Sending[]
  /** The addresses to which refresh tokens were sent by mistake. */
  readonly astray: readonly string[]
  /** The API calls with a token that was issued for another API. */
  readonly misused: readonly string[]
  /** The bound refresh tokens that were sent without a proof of their key. */
  readonly unproven: readonly string[]
  /** Which family a refresh token or an access token is of. */
  familyOf(token: string | undefined): Family | undefined
  /** The family that began with this code. */
  familyOfCode(code: string): Family | undefined
  /** Every family there is has been ended by the server. */
  endAll(): void
  /** The browser has lost the key of every family there is. */
  loseKeys(): void
  /** Every token there ever was. */
  tokens(): Iterable<string>
  fetchOf(sender: Sender): typeof fetch
  /** Decides the fate of the next refresh request that has none yet. */
  next(fate: Fate): void
  /** Lets the held answers arrive. */
  release(): void
  /** All is well from now on. */
  calm(): void
}

interface TokenAnswer {
  access_token?: string
  refresh_token?: string
  id_token?: string
  error?: string
}

export interface WireOptions {
  server: AuthServer
  clock: FakeClock
  /** The clock of the computer. */
  now: () => number
  /** A spent refresh token is refused, and the session goes on with the one that came after it. */
  forgiving: boolean
  /** Whether the browser has this key. */
  hasKey: (key: string) => Promise<boolean>
}

/** The network between the pages and the server. It sees everything the server gives away. */
export function createWire({ server, clock, now, forgiving, hasKey }: WireOptions): Wire {
  const families = new Map<string, Family>()
  const codes = new Map<string, Family>()
  const astray: string[] = []
  const misused: string[] = []
  const unproven: string[] = []
  let everLost = false
  /** By access token, the API it was issued for. */
  const issued = new Map<string, string>()
  const sendings: Sending[] = []
  let fates: Fate[] = []
  let held: (() => void)[] = []

  const learn = (answer: TokenAnswer, { family, api }: { family: Family; api: string }): void => {
    if (answer.access_token) issued.set(answer.access_token, api)
    for (const token of [answer.access_token, answer.refresh_token])
      if (token) families.set(token, family)
  }

  const begin = (sub: string, key: string | undefined): Family => ({
    ...{ sub, key, since: clock.now(), unclear: [] },
    ...{ ended: false, refused: false, mistaken: false, keyLost: false },
  })

  async function exchange({ code, key }: Exchange, response: Response): Promise<Response> {
    const { text, answer } = await read(response)
    if (response.ok && answer?.access_token) {
      const family = begin(subjectOf(answer.id_token)!, key)
      learn(answer, { family, api: server.api.url })
      codes.set(code, family)
      // A page that has it in its memory still signs in with a key that was lost.
      if (key !== undefined && !(await hasKey(key))) family.keyLost = true
    }
    return copy(response, text)
  }

  function arrived(sending: Sending, judged: Judged): void {
    const { answer } = judged
    const { family, token } = sending
    if (answer?.refresh_token && answer.refresh_token !== token)
      sending.successor = answer.refresh_token
    if (answer?.access_token) sending.brought = answer.access_token
    if (answer) learn(answer, sending)
    const subject = subjectOf(answer?.id_token)
    if (subject !== undefined && subject !== family.sub) family.mistaken = true
    const outcome = judge(judged, sending)
    if (outcome === 'unclear') family.unclear.push(now())
    if (outcome === 'refused' && !isForgiven(sending)) family.refused = true
  }

  function watchUse(url: string, init: RequestInit | undefined): void {
    const token = new Headers(init?.headers).get('authorization')?.split(' ')[1]
    const api = token === undefined ? undefined : issued.get(token)
    if (api !== undefined && !url.startsWith(api)) misused.push(`${url} with the token for ${api}`)
  }

  const spending = ({ token }: Sending) =>
    sendings.find((other) => other.token === token && other.successor)

  /** The refusal of a spent token costs nothing, as the token that came after it is in a store. */
  const isForgiven = (sending: Sending) => forgiving && spending(sending)?.kept === true

  const judgement = (sending: Sending, ask: () => Promise<Response>) =>
    forgiving && spending(sending) ? refusal() : ask()

  async function carry(sending: Sending, ask: () => Promise<Response>): Promise<Delivery> {
    const fate = fates.shift()
    if (fate === 'breaks off before it arrives') throw new TypeError('fetch failed')
    if (fate === 'never arrives') return silence()
    const response = await judgement(sending, ask)
    const { text, answer } = await read(response)
    const judged = { status: response.status, type: response.headers.get('content-type'), answer }
    arrived(sending, judged)
    if (fate === 'is processed and its answer lost') throw new TypeError('fetch failed')
    if (fate === 'is processed and never answered') return silence()
    if (fate) await new Promise<void>((resolve) => held.push(resolve)).then(turn)
    await sending.by.runs()
    return { outcome: judge(judged, sending), response: copy(response, text) }
  }

  async function refresh(by: Sender, asked: Asked): Promise<Response> {
    const { token, key, signal, ask, api } = asked
    const family = families.get(token)!
    // A page cannot know that another key was put in the place of the one it had, or that it has in its memory.
    const isProven = everLost ? key !== undefined : key === family.key
    if (family.key !== undefined && !isProven) unproven.push(token)
    const { lapses } = by
    const sending: Sending = {
      ...{ token, api, family, by, lapses, at: clock.now(), over: false, kept: false },
      outcome: 'unknown',
    }
    by.departing(sending)
    sendings.push(sending)
    try {
      const { response, outcome } = await Promise.race([carry(sending, ask), aborted(signal)])
      sending.outcome = outcome
      return response
    } finally {
      sending.over = true
    }
  }

  return {
    sendings,
    astray,
    misused,
    unproven,
    familyOfCode: (code) => codes.get(code),
    familyOf: (token) => (token === undefined ? undefined : families.get(token)),
    endAll() {
      for (const family of families.values()) family.ended = true
    },
    loseKeys() {
      everLost = true
      for (const family of families.values()) family.keyLost = true
    },
    tokens: () => families.keys(),
    fetchOf: (by) => async (input, init) => {
      const url = input instanceof Request ? input.url : String(input)
      const form = new URLSearchParams(init?.body instanceof URLSearchParams ? init.body : '')
      const token = form.get('refresh_token')
      if (token && new URL(url).pathname !== '/token') astray.push(url)
      const ask = () => server.fetch(input, { ...init, ...(token && { signal: null }) })
      const api = form.get('audience') ?? server.api.url
      const key = keyOf(new Headers(init?.headers).get('dpop'))
      if (token) return refresh(by, { token, key, api, signal: init?.signal, ask })
      watchUse(url, init)
      const code = form.get('code')
      return code ? exchange({ code, key }, await ask()) : ask()
    },
    next: (fate) => void fates.push(fate),
    release() {
      for (const goOn of held.splice(0)) goOn()
    },
    calm() {
      fates = []
      this.release()
      held = []
    },
  }
}

interface Exchange {
  code: string
  key: string | undefined
}

interface Asked {
  token: string
  key: string | undefined
  api: string
  signal: AbortSignal | null | undefined
  ask: () => Promise<Response>
}

interface Delivery {
  response: Response
  outcome: Sending['outcome']
}

interface Judged {
  status: number
  type: string | null
  answer: TokenAnswer | undefined
}

const endings = [
  ...['invalid_grant', 'interaction_required', 'login_required', 'consent_required'],
  ...['invalid_token', 'invalid_refresh_token'],
]
/** What RFC 6749 and its extensions know, apart from `invalid_request`, which some servers say for anything. */
const registered = [
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
  // The page is to send it again, with the nonce.
  'use_dpop_nonce',
]

/** As the refresh table of the documentation has it. */
function judge(
  { status, type, answer }: Judged,
  { api }: Pick<Sending, 'api'>,
): Sending['outcome'] {
  const { error, access_token: accessToken, refresh_token: refreshToken } = answer ?? {}
  if (status === 200 && accessToken) return 'granted'
  // What is refused to the second API says nothing about the session: the first one is asked then.
  if (status < 500 && error && endings.includes(error))
    return api === secondApi ? 'passing' : 'refused'
  if ([408, 429, 503].includes(status)) return 'passing'
  if (status >= 500) return 'unknown'
  if (type?.startsWith('text/html')) return 'passing'
  if (status === 200) return refreshToken ? 'passing' : 'unknown'
  if (error) return registered.includes(error) ? 'passing' : 'unclear'
  return status === 400 || status === 401 ? 'unclear' : 'passing'
}

async function read(response: Response): Promise<{ text: string; answer?: TokenAnswer }> {
  const text = await response.text()
  await turn()
  try {
    return { text, answer: { ...(JSON.parse(text) as TokenAnswer) } }
  } catch {
    return { text }
  }
}

const refusal = () => Response.json({ error: 'invalid_grant' }, { status: 400 })

function copy({ status, headers }: Response, text: string): Response {
  return new Response(text, { status, headers })
}

/** The key of a proof. */
function keyOf(proof: string | null): string | undefined {
  return proof === null ? undefined : (readPart(proof.split('.')[0]!) as Proof).jwk.x
}

interface Proof {
  jwk: { x: string }
}

const readPart = (text: string): unknown =>
  JSON.parse(atob(text.replace(/-/g, '+').replace(/_/g, '/')))

/** Whom an ID token is for; `undefined` when it is none. */
function subjectOf(idToken = ''): string | undefined {
  try {
    return (readPart(idToken.split('.')[1]!) as { sub: string }).sub
  } catch {
    return undefined
  }
}

const silence = (): Promise<never> => new Promise(() => undefined)

function aborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
