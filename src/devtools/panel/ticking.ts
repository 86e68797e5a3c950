import { systemClock } from '../../clock.ts'
import type { ReactiveControllerHost } from 'lit'

/** Renders again each second, as long as something runs down. */
export function tick(host: ReactiveControllerHost, isNeeded: () => boolean): void {
  let cancel: (() => void) | undefined
  const again = () => {
    cancel = undefined
    host.requestUpdate()
  }
  host.addController({
    hostUpdated() {
      if (isNeeded()) cancel ??= systemClock().setTimeout(again, 1000)
    },
    hostDisconnected() {
      cancel?.()
      cancel = undefined
    },
  })
}
