import type { ChannelConnection } from './channel.ts'

/**
 * Joins a channel between the clients of this page, also when they come from two copies of this package: it is made of DOM
 * events. Mute where there is no page, because one server process has many users.
 */
export function openPageChannel(
  name: string,
  onMessage: (message: string) => void,
): ChannelConnection {
  const page = typeof document === 'undefined' ? undefined : document
  const type = `channel ${name}`
  const closed = new AbortController()
  const own = {}
  const hear = (event: Event) => {
    const { from, message } = {
      ...(event as CustomEvent<{ from?: object; message?: unknown }>).detail,
    }
    if (from === own || typeof message !== 'string') return
    queueMicrotask(() => {
      if (!closed.signal.aborted) onMessage(message)
    })
  }
  page?.addEventListener(type, hear, { signal: closed.signal })
  return {
    post(message) {
      if (!closed.signal.aborted)
        page?.dispatchEvent(new CustomEvent(type, { detail: { from: own, message } }))
    },
    close: () => closed.abort(),
  }
}
