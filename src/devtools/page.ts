/** What a recording needs of the page; each does nothing where there is no page, or it is not allowed. */
export interface RecordingPage {
  read(key: string): string | undefined
  /** Returns whether it was written. */
  write(key: string, value: string): boolean
  /**
   * Messages between the recordings of all tabs. `comeBack` is called when the page comes back from the back/forward cache: pages
   * that came after it in its tab may have recorded meanwhile.
   */
  open(
    name: string,
    listeners: { hear: (message: unknown) => void; comeBack: () => void },
  ): { post: (message: unknown) => void }
  /** Calls back once, before anything else of the page goes on. */
  soon(task: () => void): void
  /** Where a panel goes; `undefined` where there is no page. */
  body(): Element | undefined
}

const silent = { post: () => {} }

export function recordingPage(): RecordingPage {
  return {
    read(key) {
      try {
        return sessionStorage.getItem(key) ?? undefined
      } catch {
        return undefined
      }
    },
    write(key, value) {
      try {
        sessionStorage.setItem(key, value)
        return true
      } catch {
        return false
      }
    },
    // In Node an open channel would keep the process alive.
    open: (name, listeners) => ('document' in globalThis ? connect(name, listeners) : silent),
    soon: (task) => queueMicrotask(task),
    body: () => (globalThis as Partial<typeof globalThis>).document?.body,
  }
}

/** Browsers do not keep a page with an open channel in the back/forward cache. */
function connect(
  name: string,
  { hear, comeBack }: { hear: (message: unknown) => void; comeBack: () => void },
): { post: (message: unknown) => void } {
  let channel: BroadcastChannel | undefined
  const open = () => {
    try {
      channel = new BroadcastChannel(name)
      channel.onmessage = ({ data }) => hear(data)
    } catch {
      // Missing, or not allowed: this tab is shown alone.
    }
  }
  open()
  const { addEventListener } = globalThis as Partial<typeof globalThis>
  addEventListener?.('pagehide', () => {
    channel?.close()
    channel = undefined
  })
  addEventListener?.('pageshow', ({ persisted }) => {
    if (!persisted) return
    open()
    comeBack()
  })
  return { post: (message) => channel?.postMessage(message) }
}
