import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { Store, TransactionStore } from '../storage/store.ts'
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
  navigator: Navigator
}
