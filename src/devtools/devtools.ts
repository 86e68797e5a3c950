import { systemClock } from '../clock.ts'
import { pageHost } from '../host/page.ts'
import { createLog } from './log.ts'
import { observe } from './observe.ts'
import { recordingPage } from './page.ts'
import { recordingOf } from './recording-of.ts'
import { watch } from './watch.ts'
import type { AuthClient } from '../auth-client.ts'
import type { ObservedOptions, PageSecrets } from './observed.ts'
import type { Recording } from './recording.ts'

/** Where and how {@link Devtools.show} shows the recording. */
export interface ShowOptions {
  /** The element that is filled, around what is in it; without it, a button in the corner of the page opens a panel. */
  target?: Element | undefined
  /** Whether the panel is open from the beginning. */
  open?: boolean | undefined
}

/** Records what a client does, and shows it. */
export interface Devtools {
  /**
   * Returns the options of a client with `fetch`, `host` and `navigator` wrapped, the app's own where given: what passes through is
   * recorded, and not changed. Give the result to `new PkceClient()` or `backEndSession()`. A navigator that is handed to
   * `signIn()` itself is not seen.
   */
  observe<Options extends ObservedOptions>(options: Options): Options
  /**
   * Listens to the client, and shows the recording: in `target`, or behind a button in the corner. Call it before `start()`.
   * Returns a function that removes it.
   */
  show(auth: Pick<AuthClient, 'on' | 'subscribe' | 'getSession'>, options?: ShowOptions): () => void
  /** What was recorded. */
  readonly recording: Recording
}

/**
 * Creates a recorder of the messages between an app, its authorization server and its APIs, with a panel that shows them: for
 * development. Tokens, and codes that are not spent, are shortened before they are kept.
 */
export function createDevtools(): Devtools {
  const page = recordingPage()
  const clock = systemClock()
  const now = () => clock.now()
  let appClock = clock
  const log = createLog({ page, now, newId: () => crypto.randomUUID().slice(0, 13) })
  const recording = recordingOf(log)
  const secrets: PageSecrets = { unverified: new Map(), keys: [] }
  const counts = { received: 0, begun: 0 }

  return {
    recording,

    observe(options) {
      const { issuer, clientId, sessionKey, basePath = '/auth' } = options
      log.open(issuer === undefined ? basePath : [issuer, clientId, sessionKey].join(' '))
      appClock = options.clock ?? clock
      const host = options.host ?? pageHost()
      return observe({ log, options, host, now, secrets, counts }, options)
    },

    show(auth, { target, open = false } = {}) {
      const stop = watch(auth, { log, counts })
      const parent = target ?? page.body()
      let close = () => {}
      let isClosed = false
      if (parent)
        // Lit reads the document when it is evaluated.
        void import('./mount.ts').then(({ mount }) => {
          if (!isClosed)
            close = mount({
              recording,
              auth,
              parent,
              isDock: target === undefined,
              clock: appClock,
              open,
              tab: log.known().tab,
            })
        })
      return () => {
        isClosed = true
        stop()
        close()
      }
    },
  }
}
