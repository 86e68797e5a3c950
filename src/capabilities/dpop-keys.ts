import { PkceClientError } from '../errors.ts'
import { createKeyPair, dpopKey } from '../protocol/dpop.ts'
import { keyStore } from '../storage/key-store.ts'
import type { CapabilityParts } from '../compose/hooks.ts'
import type { DpopKey } from '../protocol/dpop.ts'

/** The one key of a session key: made at the first sign-in, kept in IndexedDB, and the same in all tabs. */
export function createKeys({ options, ports, session }: CapabilityParts) {
  const { clock, store } = ports
  const { key: name } = options
  const stored = keyStore(clock)
  let known: { pair: CryptoKeyPair; key: DpopKey } | undefined
  /** The session for which the key was last looked up. */
  let knownFor: string | undefined
  let finding: Promise<DpopKey> | undefined

  /** The same key keeps its nonces. */
  async function remember(pair: CryptoKeyPair): Promise<DpopKey> {
    const key = dpopKey(pair, clock)
    const [mine, theirs] = await Promise.all([known && jktOf(known.key), jktOf(key)])
    known = known && mine === theirs ? known : { pair, key }
    return known.key
  }

  /** Another tab may have signed in with another key, where somebody has deleted the one that this page knows. */
  async function find(): Promise<DpopKey | undefined> {
    const sid = session().current()?.sid
    if (known && (store.volatile || !sid || sid === knownFor)) return known.key
    const pair = await stored.get(name).catch((cause: unknown): undefined => {
      // What is only in memory needs no key that is kept longer.
      if (!store.volatile && !known) throw unavailable(cause)
    })
    knownFor = sid
    return pair ? remember(pair) : known?.key
  }

  /** Keeps the key for the pages to come, unless there is one already, which then counts. */
  async function keep(pair: CryptoKeyPair, leavesPage: boolean): Promise<DpopKey> {
    const kept = await stored.add(name, pair).catch((cause: unknown) => {
      if (leavesPage || !store.volatile) throw unavailable(cause)
      return pair
    })
    return remember(kept)
  }

  /** Without its key a session is of no use to anybody. Resolves to whether there was one. */
  async function endLost(): Promise<boolean> {
    const record = session().current()
    if (!Object.values(record?.access ?? {}).some(({ type }) => type === 'dpop')) return false
    return (await session().end(record!, 'key-lost')) || endLost()
  }

  async function findOrMake(): Promise<DpopKey> {
    const found = await find()
    if (found) return found
    if (await endLost()) throw keyLost()
    return keep(await createKeyPair(), false)
  }

  return {
    /** The key to use now, the same for all who ask at once. Ends a session whose key is gone, and throws `session_ended`. */
    get: (): Promise<DpopKey> =>
      (finding ??= findOrMake().finally(() => {
        finding = undefined
      })),

    /** The key for a sign-in that begins. Throws `storage_unavailable` where it would not be there afterwards. */
    async begin(leavesPage: boolean): Promise<DpopKey> {
      if (!(await find())) await endLost()
      return keep(known?.pair ?? (await createKeyPair()), leavesPage)
    },
  }
}

const jktOf = ({ forServer }: DpopKey): Promise<string> => forServer.calculateThumbprint()

function unavailable(cause: unknown): PkceClientError {
  return new PkceClientError(
    'storage_unavailable',
    'The key for DPoP cannot be kept in IndexedDB; allow site data, or use memoryStore() and do not leave the page to sign in.',
    { cause },
  )
}

function keyLost(): PkceClientError {
  return new PkceClientError(
    'session_ended',
    'The session is over (key-lost): the key of its tokens is not in IndexedDB any more; sign in again.',
    { sessionEnded: true },
  )
}
