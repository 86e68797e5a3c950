import { isPkceClientError } from '../../../src/index.ts'
import type { Session } from '../../../src/index.ts'
import type { Family, Sending, Wire } from './wire.ts'

/** The longest Retry-After that counts, and jitter. */
const longestWait = 330_000
const refusalsToEnd = 3
const timeToEnd = 600_000
/** How long a request may take. */
const timeout = 15_000

/** What the chaos test reads of a stored record. */
export interface Stored {
  sid: string
  gen: number
  signedOut?: string
  refreshToken?: string
  claims?: unknown
  scope: string
  access: { default?: { token: string; expiresAt?: number } } & Record<string, { token: string }>
  pending?: { notBefore: number; failures: number; unknown: number; sending?: boolean }
}

/** How the storage of the browser has fared. */
export interface StorageTrouble {
  /** What it refuses now. */
  kind?: string | undefined
  /** How many refresh requests there had been when it failed, or worked again, last. */
  since?: number
  /** What it was asked to write may have been written long afterwards. */
  writesLate?: boolean
}

/** Follows the session in one store, and writes down every rule that is broken. */
export interface History {
  /** Every broken rule, in words. */
  readonly wrongs: string[]
  /** The records of the session ever written, oldest first. */
  readonly records: readonly Stored[]
  /** The sign-in that the newest record is from; `undefined` when nobody is signed in. */
  readonly latest: Family | undefined
  departing(sending: Sending): void
  stored(record: Stored): void
  published(session: Session): void
  signedOut(session: Session): void
  /** Somebody begins to sign out; the function it returns is called when that is done. */
  signingOut(): () => void
  /** A call came back: in whose name it was made, and whose data it brought. */
  answered(call: { asked: string | undefined; got: string }): void
  rejected(error: unknown): void
  /** A sign-out is done that began after the sign-in of this family. */
  outlived(family: Family | undefined): void
  /** The history of a copy of this store, which goes its own way from now on. */
  copy(): History
}

export interface HistoryOptions {
  wire: Wire
  /** The clock of the computer. */
  now: () => number
  /** How wrong that clock is, in milliseconds. */
  skew: () => number
  /** Whether it was ever wrong. */
  skewed: () => boolean
  trouble: StorageTrouble
  /** Whether the tabs have locks in common. */
  locks: boolean
  /** Whether the tabs have the store in common. */
  shared: boolean
}

/** When a record was written, and how wrong the clock was then. */
const writing = new WeakMap<Stored, { at: number; skew: number }>()

/** What a copy of a store knows of the time before. */
interface Past {
  records: readonly Stored[]
  families: ReadonlyMap<string, Family>
  tombs: ReadonlyMap<string, string>
  /** The refresh requests of the pages that use this store. */
  own: ReadonlySet<Sending>
}

const hasToken = (access: Stored['access'], token: string | undefined) =>
  Object.values(access).some((one) => one.token === token)

const isSameWait = (one: Stored | undefined) => (other: Stored) =>
  other.sid === one?.sid &&
  other.gen === one.gen &&
  other.pending?.failures === one.pending?.failures &&
  other.pending?.notBefore === one.pending?.notBefore

const nothing: Past = { records: [], families: new Map(), tombs: new Map(), own: new Set() }

export function createHistory(options: HistoryOptions, past = nothing): History {
  const { wire, now, trouble, locks, shared, skewed, skew } = options
  const wrongs: string[] = []
  const records = [...past.records]
  const families = new Map(past.families)
  const tombs = new Map(past.tombs)
  const own = new Set(past.own)
  /** The sessions that ended in this turn: a request that is about to leave cannot know. */
  const fresh = new Set<string>()
  let signingOut = 0
  let everSignedOut = false

  const wrong = (rule: string, ...facts: unknown[]) => {
    wrongs.push([rule, ...facts.map((fact) => JSON.stringify(fact))].join(' '))
  }
  const isTroubled = () => trouble.since !== undefined
  const troubleSince = (sending: Sending) =>
    trouble.kind !== undefined || wire.sendings.indexOf(sending) < (trouble.since ?? 0)

  /** The page that sent it was stopped before it could do anything about the answer. */
  const interrupted = (sending: Sending) => sending.by.lapses !== sending.lapses

  /** The page was given a new refresh token. */
  const isDelivered = ({ outcome, successor }: Sending) =>
    outcome === 'granted' || (outcome === 'passing' && successor !== undefined)

  /**
   * Whether other tabs could read the refresh token and not that it is being sent. A session that has never been stored is
   * nobody else's.
   */
  function isUnannounced(token: string): boolean {
    const record = records.filter(({ refreshToken }) => refreshToken === token).at(-1)
    return record !== undefined && record.pending?.sending !== true
  }

  /** The server has refused often, and for long, without saying why. */
  const isRefusedAgainAndAgain = ({ unclear }: Family) =>
    unclear.length >= refusalsToEnd && (skewed() || now() - unclear[0]! >= timeToEnd)

  /** Whether the token of this request may be sent again: no page could know that the server has spent it. */
  const isExcused = (earlier: Sending) =>
    troubleSince(earlier) ||
    (!earlier.kept && !isDelivered(earlier)) ||
    // A page that goes on after a stop may save what it brought at the very moment another one looks.
    ((!earlier.kept || earlier.keptAt === now()) && interrupted(earlier))

  /**
   * Whether the request was sent before its time. The last record says that it is being sent; the one before is what the page
   * had read. That one told it to wait, and no wake-up has lifted the wait since.
   */
  function isTooEarly({ by, family }: Sending): boolean {
    // When one API is refused its token, the wait before comes back, which the page may have lifted.
    const index = records.findIndex(isSameWait(records.at(-2)))
    const looked = records[index]
    if (!locks || !looked?.pending || families.get(looked.sid) !== family || isTroubled())
      return false
    // The timer of a page goes on when the clock is set.
    const written = writing.get(looked)!
    if (written.skew !== skew()) return false
    // A page that is woken reads its store a little later, and lifts what it finds then.
    const lifted = written.at === by.wokenWhen ? by.wokenAt + 1 : by.wokenAt
    const wait = looked.pending.notBefore - now()
    return wait > 0 && wait <= longestWait && lifted <= index
  }

  function reasonIsRight(record: Stored, family: Family | undefined): boolean {
    // It was never in the store while it lived.
    if (!family && isTroubled()) return true
    const before = records.filter(({ sid }) => sid === record.sid).at(-1)
    const all = wire.sendings.filter(({ token }) => token === before?.refreshToken)
    // A copy of a store is never told what became of the requests that were on their way when it was made.
    const isCopied = (sending: Sending) => past.own.has(sending)
    const earlier = all.filter(
      (sending) => own.has(sending) && (sending.outcome !== 'refused' || isCopied(sending)),
    )
    // Where tokens are not rotated, each answer that arrives ends the doubt about the requests before it.
    const answered = earlier
      .map((sending) => sending.kept || (sending.outcome === 'granted' && !interrupted(sending)))
      .lastIndexOf(true)
    earlier.splice(0, answered + 1)
    const isUnknown = ({ outcome }: Sending) => outcome === 'unknown'
    // A page that was stopped may hear of its refusal late; what others sent after it leaves no doubt about it.
    const refusals = all.filter((sending) => own.has(sending) && sending.outcome === 'refused')
    const isDoubtful = earlier.some(isUnknown) && !refusals.some(isFirst)
    function isFirst(refusal: Sending): boolean {
      const before = earlier.filter((sending) => all.indexOf(sending) < all.indexOf(refusal))
      return !before.some(isUnknown)
    }
    // A page that lost the lock before it sent knows that another page has sent, so the requests of others count as well.
    const others = all.filter((sending) => !own.has(sending))
    const mayBeDoubtful = [...earlier, ...others].some(
      (sending) => isUnknown(sending) || interrupted(sending) || isCopied(sending),
    )
    // Another tab has renewed the session, and what it got never came into this store.
    const isNews = ({ brought, successor }: Sending) =>
      !records.some(({ access, refreshToken }) =>
        brought ? access.default?.token === brought : refreshToken === successor,
      )
    // Without locks a page may find that another one is sending, and cannot know what is answered there.
    const isSentTwice = !locks && all.length > 1
    // A page that was robbed of the lock has noted that it sends, and has not sent.
    const isNotedInVain = (before?.pending?.unknown ?? 0) > all.length
    const isBehind = wire.sendings.some(
      (sending) => sending.family === family && isDelivered(sending) && isNews(sending),
    )
    switch (record.signedOut) {
      case 'signed-out':
        return signingOut > 0 || (isTroubled() && everSignedOut)
      case 'expired':
        return before?.refreshToken === undefined
      case 'ended-by-server':
        return (
          (family?.refused === true && (!isDoubtful || !locks || isTroubled())) ||
          (family !== undefined && isRefusedAgainAndAgain(family))
        )
      case 'key-lost':
        return family?.keyLost === true
      case 'identity-changed':
        return family?.mistaken === true
      case 'refresh-response-lost':
        return (
          family?.refused === true &&
          (mayBeDoubtful || isSentTwice || isNotedInVain || isTroubled())
        )
      case 'tab-copied':
        return isBehind || isTroubled()
      default:
        return false
    }
  }

  function bury(record: Stored): void {
    if (!reasonIsRight(record, families.get(record.sid)))
      wrong('a session ended for no reason:', record)
    tombs.set(record.sid, record.signedOut!)
    fresh.add(record.sid)
    setImmediate(() => fresh.delete(record.sid))
  }

  return {
    wrongs,
    records,
    get latest() {
      const live = records.at(-1)
      return live && !live.signedOut ? families.get(live.sid) : undefined
    },

    departing(sending) {
      const { token, family } = sending
      const others = wire.sendings.filter((other) => other.family === family)
      own.add(sending)
      // Of two timers that are due at the same moment either may be first.
      const isDue = (other: Sending) => sending.at - other.at >= timeout
      const inFlight = others.filter((other) => !other.over && !interrupted(other) && !isDue(other))
      if (inFlight.some(({ by }) => locks || by === sending.by) && !isTroubled())
        wrong('two refreshes in flight:', token)
      const spending = others.find((other) => other.token === token && other.successor)
      // What came for somebody else is revoked, and the session with it; its copies may find out from the server.
      const isSpent = spending && !isExcused(spending) && !family.mistaken
      if (isSpent && locks) wrong('a spent token was sent:', token)
      // While a proof is made, or the nonce for it is fetched, the session may end, and storage may fail or work again.
      const isBound = family.key !== undefined
      const mayBeUnannounced = isBound && isTroubled()
      if (shared && locks && isUnannounced(token) && !mayBeUnannounced)
        wrong('a token was sent unannounced:', token)
      if (isTooEarly(sending)) wrong('a back-off was not kept:', token)
      const sid = sidOf(family)
      if (tombs.has(sid) && !fresh.has(sid) && !isBound && !isTroubled())
        wrong('a token of a session that has ended was sent:', token)
    },

    stored(record) {
      const last = records.at(-1)
      const known = records.filter(({ sid }) => sid === record.sid).at(-1)
      // What comes late is put right at once; whether it is, is seen in the end.
      const isLate = trouble.writesLate === true
      if (tombs.has(record.sid) && !record.signedOut && !isLate)
        wrong('a session came back:', record)
      if (known && known !== last && last?.sid !== record.sid && !isTroubled())
        wrong('an older session came back:', record)
      // A tab that cannot read the store ends the record it knows, although a newer one may have been ended already.
      const endedTwice = known?.signedOut && record.signedOut && isTroubled()
      if (known && record.gen < known.gen && !endedTwice && !isLate)
        wrong('a session went back in time:', record, known)
      const family = wire.familyOf(record.refreshToken ?? record.access.default?.token)
      if (family) families.set(record.sid, family)
      if (record.signedOut && !tombs.has(record.sid)) bury(record)
      for (const sending of wire.sendings)
        if (
          (sending.brought && hasToken(record.access, sending.brought)) ||
          (sending.successor && sending.successor === record.refreshToken)
        ) {
          sending.kept = true
          sending.keptAt ??= now()
        }
      records.push(record)
      writing.set(record, { at: now(), skew: skew() })
    },

    published(session) {
      if (session.status !== 'signed-in' || isTroubled()) return
      const { expiresAt } = session
      // A session that has ended has no time either.
      if (!records.some(({ access }) => access.default && access.default.expiresAt === expiresAt))
        wrong('published before it was saved:', session)
    },

    signedOut(session) {
      const { reason } = session as { reason?: string }
      if (!isTroubled() && ![...tombs.values()].some((tomb) => tomb === reason))
        wrong('a tab signed out by itself:', session)
    },

    signingOut() {
      everSignedOut = true
      signingOut += 1
      return () => void (signingOut -= 1)
    },

    answered({ asked, got }) {
      if (asked !== got) wrong("a call was made in another's name:", asked, got)
    },

    rejected(error) {
      if (!isPkceClientError(error)) wrong('rejected with', String(error))
    },

    outlived(family) {
      if (family && this.latest === family && !isTroubled())
        wrong('a sign-in that began before a sign-out came back:', family)
    },

    copy: () => createHistory(options, { records, families, tombs, own }),
  }

  function sidOf(family: Family): string {
    for (const [sid, known] of families) if (known === family) return sid
    return ''
  }
}
