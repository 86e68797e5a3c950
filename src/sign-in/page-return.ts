import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'

export interface Page {
  host: Host
  clock: Clock
  /** Milliseconds after which a page that is still visible was not left. */
  timeout: number
}

export interface PageReturn {
  /** Resolves when the page is in front of the user again, or still; never when it is gone. */
  happened: Promise<void>
  stop(): void
}

/**
 * Notices that a page which was sent away is still there: it came back out of the back/forward cache, or the navigation
 * showed nothing (a 204, a download). A hidden page proves nothing, so each time it is shown the time begins anew.
 */
export function watchPageReturn({ host, clock, timeout }: Page): PageReturn {
  let cancel!: () => void
  let stopListening!: () => void
  const happened = new Promise<void>((resolve) => {
    const wait = () => {
      cancel = clock.setTimeout(() => host.isVisible() && resolve(), timeout)
    }
    wait()
    stopListening = host.onWake(({ restored }) => {
      cancel()
      if (restored) resolve()
      else wait()
    })
  })
  const stop = () => {
    cancel()
    stopListening()
  }
  return { happened: happened.finally(stop), stop }
}
