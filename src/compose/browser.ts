import { systemClock } from '../clock.ts'
import { pageHost } from '../host/page.ts'
import { redirect } from '../navigation/redirect.ts'
import { orderedMarks } from '../storage/ordered-marks.ts'
import { pageStore } from '../storage/web-storage.ts'
import { broadcastChannel } from '../tabs/broadcast-channel.ts'
import { webLocks } from '../tabs/web-locks.ts'
import type { Ports } from './ports.ts'

/** The given ports, and those of a browser for the rest. They read no global until they are used. */
export function browserPorts(given: Partial<Ports>): Ports {
  return {
    clock: given.clock ?? systemClock(),
    host: given.host ?? pageHost(),
    lock: given.lock ?? webLocks(),
    channel: given.channel ?? broadcastChannel(),
    store: given.store ?? pageStore(),
    transactionStore: given.transactionStore ?? pageStore(),
    orderedMarks: given.orderedMarks ?? orderedMarks(),
    navigators: given.navigators ?? [redirect()],
  }
}
