import { unknownSession } from '../session/state.ts'
import type { Clock } from '../clock.ts'
import type { Emit } from '../events.ts'
import type { Host } from '../host/host.ts'
import type { Session, SignedInSession, SignedOutSession } from '../session/state.ts'
import type { Channel, ChannelConnection } from '../tabs/channel.ts'
import type { Routes, SessionAnswer } from './routes.ts'

interface BackEndSessionParts {
  /** Under which the tabs of the app find each other. */
  name: string
  routes: Pick<Routes, 'askSession'>
  channel: Channel
  host: Host
  clock: Clock
  emit: Emit
}

export type KnownSession = ReturnType<typeof createKnownSession>

/** Milliseconds for which an answer is not asked for again because the page wakes up. */
const freshFor = 5000
/** Milliseconds by which two answers about one token may differ: the time that they took, and the seconds they count in. */
const sameExpiry = 10_000
const firstDelay = 1000
const longestDelay = 60_000

/** What this page knows of the session that the back end keeps. The one writer of its state. */
export function createKnownSession(parts: BackEndSessionParts) {
  const { name, routes, channel, host, clock, emit } = parts
  let state: Session = unknownSession
  let csrf: string | undefined
  let answeredAt = -Infinity
  /** Counts the sign-outs of this page: what was asked before one is not news. */
  let endings = 0
  /** What another tab has told since the last question. */
  let heard: string | undefined
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<Session> | undefined
  let isPassive = true
  let connection: ChannelConnection | undefined
  let stopListening = () => {}
  let cancelPause = () => {}
  let nudge = () => {}
  let closed = false

  function connect(): void {
    if (connection || closed) return
    connection = channel.open(name, (message) => {
      heard = message
      void ask({ passive: true }).catch(() => {})
    })
    stopListening = host.onWake(({ restored }) => {
      nudge()
      // A page out of the back/forward cache shows who was signed in when it was left.
      const isFresh = Math.abs(clock.now() - answeredAt) < freshFor && !restored
      if (state !== unknownSession && !isFresh) void ask({ passive: true }).catch(() => {})
    })
  }

  /** Resolves to whether somebody else is signed in than before, or nobody. */
  function publish(next: Session): boolean {
    const previous = state
    if (next === previous) return false
    state = next
    emit('session-changed', { session: next })
    const was = previous.status === 'signed-in'
    if (next.status !== 'signed-in') {
      if (was) emit('signed-out', { session: next as SignedOutSession })
      return was
    }
    if (was && previous.claims?.sub === next.claims?.sub) return false
    emit('signed-in', { session: next })
    return previous !== unknownSession
  }

  async function send(passive: boolean): Promise<Session> {
    connect()
    const since = endings
    const hint = heard
    heard = undefined
    const askedAt = clock.now()
    const answer = await routes.askSession(passive).catch((error: unknown) => {
      emit('refresh-failed', { error: error as never })
      throw error
    })
    if (since !== endings) return send(passive)
    if (closed) return state
    answeredAt = clock.now()
    ;({ csrf } = answer)
    const isNews = publish(
      answer.status === 'signed-in'
        ? signedIn(answer, { state, askedAt })
        : signedOut(answer, { state, hint }),
    )
    if (isNews && !hint) connection?.post(state.status)
    return state
  }

  /** The session as the back end knows it now. One question at a time; those who ask meanwhile share the next. */
  function ask({ passive = false } = {}): Promise<Session> {
    isPassive = next ? isPassive && passive : passive
    if (next) return next
    next = last.then(() => {
      next = undefined
      return send(isPassive)
    })
    last = next.catch(() => {})
    return next
  }

  /** Resolves after a while that grows with the failures, or when the page wakes up. */
  function pause(failures: number): Promise<void> {
    const half = Math.min(firstDelay * 2 ** failures, longestDelay) / 2
    return new Promise((resolve) => {
      nudge = resolve
      cancelPause = clock.setTimeout(resolve, half + half * clock.random())
    })
  }

  return {
    state: () => state,
    /** What proves to the back end that a request is the app's own. */
    csrf: () => csrf,
    ask,

    /** Asks until there is an answer. Rejects with what no waiting will change. */
    async find(): Promise<Session> {
      for (let failures = 0; ; failures += 1) {
        try {
          return await ask()
        } catch (error) {
          if (!(error as { retryable?: boolean }).retryable) throw error
          await pause(failures)
          cancelPause()
        }
      }
    },

    /** The back end has ended the session for this page. */
    end(): void {
      endings += 1
      csrf = undefined
      publish(Object.freeze({ status: 'signed-out', reason: 'signed-out' }))
      connection?.post('signed-out')
    },

    /** Tells the other tabs to look. */
    tell: () => connection?.post(state.status),

    close(): void {
      closed = true
      cancelPause()
      stopListening()
      connection?.close()
    },
  }
}

function signedIn(
  { claims, scope = '', expiresIn, stale = false }: SessionAnswer,
  { state, askedAt }: { state: Session; askedAt: number },
): SignedInSession {
  const before = state.status === 'signed-in' ? state : undefined
  const isSameUser = JSON.stringify(before?.claims) === JSON.stringify(claims)
  const expiresAt = expiresIn === undefined ? undefined : askedAt + expiresIn * 1000
  const moved = Math.abs((before?.expiresAt ?? 0) - (expiresAt ?? 0))
  if (before?.scope === scope && before.stale === stale && isSameUser && moved < sameExpiry)
    return before
  const known = isSameUser ? before?.claims : claims && Object.freeze(claims)
  return Object.freeze({
    status: 'signed-in',
    ...(known && { claims: known }),
    scope,
    ...(expiresAt !== undefined && { expiresAt }),
    stale,
  })
}

/** A back end that has forgotten the session cannot say why: another tab can, or it was not used for too long. */
function signedOut(
  answer: SessionAnswer,
  { state, hint }: { state: Session; hint: string | undefined },
): Session {
  const {
    reason = state.status !== 'signed-in' ? undefined : hint === 'signed-out' ? hint : 'expired',
  } = answer
  return state.status === 'signed-out' && (!reason || state.reason === reason)
    ? state
    : Object.freeze({ status: 'signed-out', ...(reason && { reason }) })
}
