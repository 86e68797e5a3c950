import { timeLimited } from '../storage/time-limit.ts'
import { orLocal } from '../tabs/or-local.ts'
import { withoutFloods } from '../tabs/without-floods.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { OrderedMarks, Store, TransactionStore } from '../storage/store.ts'
import type { Channel } from '../tabs/channel.ts'
import type { Lock } from '../tabs/lock.ts'

/** What the engine stands on. */
export interface Ports {
  clock: Clock
  host: Host
  lock: Lock
  channel: Channel
  store: Store
  transactionStore: TransactionStore
  orderedMarks: OrderedMarks
  /** The first is the default; all are known to the page that users come back to. */
  navigators: readonly [Navigator, ...Navigator[]]
}

/** The ports as the parts get them: what a platform or an app gets wrong is put right here, once for all parts. */
export function dependable(ports: Ports) {
  const { clock, lock, channel, store, transactionStore } = ports
  return {
    ...ports,
    lock: orLocal(lock),
    channel: withoutFloods(channel, clock),
    store: timeLimited(store, clock),
    transactionStore: timeLimited(transactionStore, clock),
  }
}
