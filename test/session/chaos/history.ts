import { isPkceClientError } from '../../../src/index.ts'
import type { Session } from '../../../src/index.ts'
import type { Family, Sending, Wire } from './wire.ts'

const longestWait = 300_000

/** What the chaos test reads of a stored record. */
export interface Stored {
  sid: string
  gen: number
  signedOut?: string
  refreshToken?: string
  access: { default?: { token: string; expiresAt?: number } }
  pending?: { notBefore: number }
}

/** What has happened, and what of it must not have. */
export interface History {
  /** Whatever broke a rule, in words. */
  readonly wrongs: string[]
  /** The storage has failed at some time. */
  readonly storageTrouble: boolean
  /** The records of the session ever written, oldest first. */
  readonly records: readonly Stored[]
  /** Who is to be signed in, unless the server has said otherwise. */
  readonly latest: Family | undefined
  departing(sending: Sending): void
  stored(record: Stored): void
  published(session: Session): void
  signedOut(session: Session): void
  /** Somebody signs out, until what it returns is called. */
  signingOut(): () => void
  /** A call came back that was made as one person, with data of another, or not. */
  answered(call: { asked: string | undefined; got: string }): void
  rejected(error: unknown): void
  storage(kind: string | undefined): void
}

export interface HistoryOptions {
  wire: Wire
  /** The clock of the computer. */
  now: () => number
}

export function createHistory({ wire, now }: HistoryOptions): History {
  const wrongs: string[] = []
  const records: Stored[] = []
  const families = new Map<string, Family>()
  const tombs = new Map<string, string>()
  /** How many refresh requests there had been when the storage failed, or worked again, last. */
  let trouble: number | undefined
  let failing: string | undefined
  let signingOut = 0
  let everSignedOut = false

  const wrong = (rule: string, ...facts: unknown[]) => {
    wrongs.push([rule, ...facts.map((fact) => JSON.stringify(fact))].join(' '))
  }
  const troubleSince = (sending: Sending) =>
    failing !== undefined || wire.sendings.indexOf(sending) < (trouble ?? 0)

  /** The page that sent it was stopped before it could do anything about the answer. */
  const interrupted = (sending: Sending) => sending.by.lapses !== sending.lapses

  /** Nobody can be blamed for not knowing that the token is spent. */
  const isExcused = (earlier: Sending) =>
    troubleSince(earlier) ||
    (!earlier.kept && (earlier.outcome !== 'granted' || interrupted(earlier)))

  /** What was stored when the page looked, before it wrote that it sends, told it to wait, and nobody has woken it since. */
  function isTooEarly({ by, family }: Sending): boolean {
    const index = records.length - 2
    const looked = records[index]
    if (!looked?.pending || families.get(looked.sid) !== family || trouble !== undefined)
      return false
    const wait = looked.pending.notBefore - now()
    return wait > 0 && wait <= longestWait && by.wokenAt <= index
  }

  function reasonIsRight(record: Stored, family: Family | undefined): boolean {
    const before = records.filter(({ sid }) => sid === record.sid).at(-1)
    const earlier = wire.sendings.filter(
      ({ token, outcome }) => token === before?.refreshToken && outcome !== 'refused',
    )
    // A token that is not rotated is beyond doubt again with each answer.
    const answered = earlier
      .map((sending) => sending.kept || (sending.outcome === 'granted' && !interrupted(sending)))
      .lastIndexOf(true)
    earlier.splice(0, answered + 1)
    const isDoubtful = earlier.some(({ outcome }) => outcome === 'unknown')
    const mayBeDoubtful = isDoubtful || earlier.some(interrupted)
    switch (record.signedOut) {
      case 'signed-out':
        return signingOut > 0 || (trouble !== undefined && everSignedOut)
      case 'expired':
        return before?.refreshToken === undefined
      case 'ended-by-server':
        return family?.refused === true && (!isDoubtful || trouble !== undefined)
      case 'refresh-response-lost':
        return family?.refused === true && (mayBeDoubtful || trouble !== undefined)
      default:
        return false
    }
  }

  function bury(record: Stored): void {
    if (!reasonIsRight(record, families.get(record.sid)))
      wrong('a session ended for no reason:', record)
    tombs.set(record.sid, record.signedOut!)
  }

  return {
    wrongs,
    records,
    get storageTrouble() {
      return trouble !== undefined
    },
    get latest() {
      const live = records.at(-1)
      return live && !live.signedOut ? families.get(live.sid) : undefined
    },

    departing(sending) {
      const { token, family } = sending
      const others = wire.sendings.filter((other) => other.family === family)
      if (others.some((other) => !other.over && !interrupted(other)) && trouble === undefined)
        wrong('two refreshes in flight:', token)
      const spending = others.find((other) => other.token === token && other.successor)
      if (spending && !isExcused(spending)) wrong('a spent token was sent:', token)
      if (isTooEarly(sending)) wrong('a back-off was not kept:', token)
      if (tombs.has(sidOf(family)) && trouble === undefined)
        wrong('a token of a session that has ended was sent:', token)
    },

    stored(record) {
      const last = records.at(-1)
      const known = records.filter(({ sid }) => sid === record.sid).at(-1)
      if (tombs.has(record.sid) && !record.signedOut) wrong('a session came back:', record)
      if (known && known !== last && last?.sid !== record.sid && trouble === undefined)
        wrong('an older session came back:', record)
      // A tab that cannot read ends what it knows; that it was ended already makes no difference.
      const endedTwice = known?.signedOut && record.signedOut && trouble !== undefined
      if (known && record.gen < known.gen && !endedTwice)
        wrong('a session went back in time:', record, known)
      const family = wire.familyOf(record.refreshToken ?? record.access.default?.token)
      if (family) families.set(record.sid, family)
      if (record.signedOut && !tombs.has(record.sid)) bury(record)
      for (const sending of wire.sendings)
        if (sending.brought && sending.brought === record.access.default?.token) sending.kept = true
      records.push(record)
    },

    published(session) {
      if (session.status !== 'signed-in' || trouble !== undefined) return
      const { expiresAt } = session
      if (!records.some(({ access }) => access.default?.expiresAt === expiresAt))
        wrong('published before it was saved:', session)
    },

    signedOut(session) {
      const { reason } = session as { reason?: string }
      if (trouble === undefined && ![...tombs.values()].some((tomb) => tomb === reason))
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

    storage(kind) {
      if (!kind && !failing) return
      failing = kind
      trouble = wire.sendings.length
    },
  }

  function sidOf(family: Family): string {
    for (const [sid, known] of families) if (known === family) return sid
    return ''
  }
}
