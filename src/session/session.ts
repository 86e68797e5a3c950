import { createCopies } from './copies.ts'
import { isNewer, isSame, nameOf, parseRecord, tombstone } from './record.ts'
import { createSaved } from './saved.ts'
import { reduce, unknownSession } from './state.ts'
import { createWriteOrder } from './write-order.ts'
import type { TokenType } from '../api/scheme.ts'
import type { Clock } from '../clock.ts'
import type { Emit } from '../events.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { TokenSet } from '../protocol/token-set.ts'
import type { Awaitable, OrderedMarks, TransactionStore } from '../storage/store.ts'
import type { PromptStore } from '../storage/time-limit.ts'
import type { Channel, ChannelConnection } from '../tabs/channel.ts'
import type { Exclusive } from './exclusive.ts'
import type { SessionRecord, SignedOutReason } from './record.ts'
import type { Session, SignedInSession, SignedOutSession } from './state.ts'

/** Where the record of a session is kept. */
export interface SessionRecordStore extends Omit<PromptStore, 'set'> {
  /** Resolves to false where the store compares, and no longer has what was `seen`: then nothing was written. */
  set(key: string, value: string, seen: string | null | undefined): Awaitable<unknown>
}

interface SessionOptions {
  key: string
  issuer: string
  clientId: string
  /** What the session's own access token is asked for with. */
  first: string
  /** Of the tokens that can be used. */
  tokenType: TokenType
  store: SessionRecordStore
  /** Shared by all tabs, and never given a token: for the marks of copied tabs. */
  marks: TransactionStore
  orderedMarks: OrderedMarks
  /** Runs a commit while nobody else commits; where the store compares, nobody has to wait. */
  exclusive: Exclusive
  channel: Channel
  clock: Clock
  /** Milliseconds one request may take. */
  timeout: number
  emit: Emit
  /** A new unguessable name. */
  newId: () => string
}

export interface BeginOptions {
  server: ServerMetadata
  scope: string
  /** What the access token was asked for with. */
  ask: string
  /** The latest record from before the tokens were asked for, also that of a session which has ended. */
  since: SessionRecord | undefined
}

/** Milliseconds that a store may take to show another tab what was written. */
const visibleAfter = 100

export type SessionKeeper = ReturnType<typeof createSession>

/** The one writer of session state: everything that changes who is signed in goes through `write` and `adopt`. */
export function createSession(options: SessionOptions) {
  const { key, issuer, clientId, first, store, channel, emit, newId } = options
  const copies = createCopies(options)
  const saved = createSaved(options)
  const order = createWriteOrder(options)
  const listeners: ((record: SessionRecord | undefined) => void)[] = []
  let state: Session = unknownSession
  let record: SessionRecord | undefined
  /** Saved again once and no more: if the store does not keep it, two tabs would wake each other for ever. */
  let savedAgain: SessionRecord | undefined
  let connection: ChannelConnection | undefined
  let known = false

  async function read(): Promise<SessionRecord | undefined> {
    return parseRecord(await store.get(key), options)
  }

  function publish(next: Session): void {
    const previous = state
    // Before `markKnown` the page may be about to finish a sign-in; to say 'signed-out' until then would be wrong.
    if (next === previous || (!known && next.status === 'signed-out')) return
    state = next
    emit('session-changed', { session: next })
    const was = previous.status === 'signed-in'
    if (next.status === 'signed-in') {
      if (!was || previous.claims?.sub !== next.claims?.sub) emit('signed-in', { session: next })
    } else if (was) emit('signed-out', { session: next as SignedOutSession })
  }

  function adopt(next: SessionRecord | undefined): void {
    const previous = record
    saved.replace(previous, next)
    record = next
    for (const listener of listeners) listener(current())
    publish(reduce(state, { record, previous }))
  }

  /** Looks at the store and takes over what other tabs did. */
  async function reread(): Promise<SessionRecord | undefined> {
    const before = record
    const stored = await read().catch(saved.failed)
    const next = saved.newest(stored, record)
    const isCopy = next && (await copies.isBehind(next))
    // What was read may be older than what was written or adopted meanwhile.
    if (record !== before) return reread()
    if (isCopy) await write(next, tombstone(next, 'tab-copied'))
    else if (next !== record || state === unknownSession) adopt(next)
    // What could not be saved, or was overwritten by a page that woke in the middle of saving, is saved now, before another
    // tab finds the older record and sends its spent refresh token.
    else if (next && (saved.isUnsaved() || (stored && next !== savedAgain)))
      await write((savedAgain = next), next)
    return current()
  }

  /** The store has answered after all: what came late may have overwritten what others wrote meanwhile. */
  async function repair(): Promise<void> {
    await reread()
    connection?.post('changed')
  }
  store.onLateAnswer(() => void repair())

  function current(): SessionRecord | undefined {
    return record?.signedOut ? undefined : record
  }

  /**
   * Saves, then publishes, if the session is still the one of `base`; without a base it replaces whatever is there.
   * Resolves to false, having adopted what is there instead, when it is not.
   */
  function write(
    base: SessionRecord | undefined,
    next: SessionRecord,
    isOutdated = (found: SessionRecord | undefined) =>
      base !== undefined && found !== base && !isSame(found, base),
  ): Promise<boolean> {
    const task = async (robbed: () => boolean): Promise<boolean> => {
      let unreadable: unknown
      let seen: string | null | undefined
      let isTaken = false
      let stored: SessionRecord | undefined
      const look = async () => {
        unreadable = stored = seen = undefined
        try {
          seen = await store.get(key)
          stored = parseRecord(seen, options)
        } catch (cause) {
          unreadable = cause
        }
        return saved.newest(stored, record)
      }
      const found = await (base ? order.caughtUp(look) : look())
      const movedOn = isOutdated(found)
      if (!movedOn && next.gen !== base?.gen) await order.announce(next)
      // Whoever took the lock over may have written since this was read.
      if (robbed()) return write(base, next, isOutdated)
      if (movedOn) {
        adopt(found)
        return false
      }
      try {
        // What cannot be compared is not overwritten: it may be a session that has ended, or one of a newer version.
        if (isNewer(stored)) unreadable = new Error('A newer version has stored a session.')
        if (unreadable && base && next.signedOut !== 'signed-out') throw unreadable
        isTaken = (await store.set(key, JSON.stringify(next), seen)) === false
        if (!isTaken) {
          saved.succeeded()
          connection?.post('changed')
        }
      } catch (cause) {
        saved.notSaved(next, { cause, begun: !base })
        saved.replace(stored, next)
      }
      if (isTaken) return write(base, next, isOutdated)
      adopt(next)
      return true
    }
    // Of tabs with stores of their own, only those that may have a session in common have to take turns.
    const owner = store.shared ? '' : (base ?? record ?? next).sid
    // For tabs without IndexedDB: they must be able to read a new generation before they may write.
    const linger = owner || next.gen === base?.gen ? 0 : visibleAfter
    // The mark is set even if this was refused or could not be saved: the refresh token before it is spent all the same.
    return options
      .exclusive({ name: `${key}|commit|${owner}`, task, linger })
      .finally(() => copies.mark(next))
  }

  return {
    state: () => state,
    /** The session's record, while somebody is signed in. */
    current,
    latest: () => record,
    reread,
    write,
    isUnannounced: saved.isUnannounced,

    /** Tells the listener which record is current from now on, before anybody else hears of it. */
    onAdopted: (listener: (record: SessionRecord | undefined) => void): void =>
      void listeners.push(listener),

    /** Joins the other tabs and takes over the session there is. */
    restore(): Promise<SessionRecord | undefined> {
      if (store.failure) saved.failed(store.failure)
      connection ??= channel.open(key, () => void reread(), { withinPage: !store.shared })
      return reread()
    },

    /** From here on the session is known, also when nobody is signed in. */
    markKnown(): void {
      known = true
      adopt(record)
    },

    /** Begins a session with the tokens of a sign-in; `undefined` when the user has signed out since: that is the later wish. */
    async begin(
      tokens: TokenSet,
      { server, scope, ask, since }: BeginOptions,
    ): Promise<SignedInSession | undefined> {
      const named = Object.entries(server).filter(([, value]) => typeof value === 'string')
      const endpoints = Object.fromEntries(named)
      const blank: SessionRecord & { __proto__: null } = {
        // Where anybody could have put a refresh token that the answer left out.
        __proto__: null,
        v: 1,
        sid: newId(),
        gen: 0,
        issuer,
        clientId,
        tokenEndpoint: server.token_endpoint,
        endpoints,
        scope,
        first,
        access: {},
      }
      const isSignedOutSince = (found: SessionRecord | undefined) =>
        found?.signedOut === 'signed-out' && (found.sid !== since?.sid || found.gen !== since.gen)
      const begun = await write(undefined, withTokens(blank, tokens, ask), isSignedOutSince)
      return begun ? (state as SignedInSession) : undefined
    },

    /** Ends the session of `base`, once, everywhere. */
    end: (base: SessionRecord, reason: SignedOutReason): Promise<boolean> =>
      write(base, tombstone(base, reason)),

    /** The person signs out of a session that a newer version has stored. Nothing of it is kept or sent. */
    async endNewer(): Promise<void> {
      if (record && isNewer(record)) await write(undefined, tombstone(record, 'signed-out'))
    },

    close: (): void => connection?.close(),
  }
}

/** The record after a grant. What the answer leaves out stays as it was (RFC 6749 §6, OpenID Connect Core §12.2). */
export function withTokens(record: SessionRecord, tokens: TokenSet, ask: string): SessionRecord {
  const { accessToken: token, expiresIn, requestedAt: obtainedAt } = tokens
  const expiresAt = expiresIn && obtainedAt + expiresIn * 1000
  return {
    ...record,
    gen: record.gen + 1,
    pending: undefined,
    refreshToken: tokens.refreshToken ?? record.refreshToken,
    idToken: tokens.idToken ?? record.idToken,
    claims: record.claims ?? tokens.claims,
    scope: tokens.scope ?? record.scope,
    authorizationDetails: tokens.authorizationDetails ?? record.authorizationDetails,
    access: {
      ...record.access,
      [nameOf(ask)]: { token, type: tokens.type, obtainedAt, expiresAt },
    },
  }
}
