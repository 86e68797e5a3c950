/** What a recording needs of the page; each does nothing where there is no page, or it is not allowed. */
export interface RecordingPage {
  read(key: string): string | undefined
  /** Returns whether it was written. */
  write(key: string, value: string): boolean
  /** Messages between the recordings of all tabs. */
  open(
    name: string,
    hear: (message: unknown) => void,
  ): { post: (message: unknown) => void; close: () => void }
  /** Calls back once, before anything else of the page goes on. */
  soon(task: () => void): void
  /** Where a panel goes; `undefined` where there is no page. */
  body(): Element | undefined
}

const silent = { post: () => {}, close: () => {} }

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
    open(name, hear) {
      // In Node an open channel would keep the process alive.
      if (!('document' in globalThis)) return silent
      try {
        const channel = new BroadcastChannel(name)
        channel.onmessage = ({ data }) => hear(data)
        return {
          post: (message) => channel.postMessage(message),
          close: () => channel.close(),
        }
      } catch {
        return silent
      }
    },
    soon: (task) => queueMicrotask(task),
    body: () => (globalThis as Partial<typeof globalThis>).document?.body,
  }
}
