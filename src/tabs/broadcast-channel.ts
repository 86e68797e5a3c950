import type { Channel } from './channel.ts'

/** Makes a channel between the tabs of the origin (BroadcastChannel); mute where there is none. */
export function broadcastChannel(): Channel {
  return {
    open(name, onMessage) {
      let current: BroadcastChannel | undefined
      const connect = () => {
        if (current) return
        try {
          current = new BroadcastChannel(name)
          current.onmessage = ({ data }: MessageEvent<unknown>) => {
            if (typeof data === 'string') onMessage(data)
          }
          // In Node an open channel would keep the process alive.
          ;(current as { unref?(): void }).unref?.()
        } catch {
          // Not there, or denied to an opaque origin: this tab is on its own.
        }
      }
      const disconnect = () => {
        current?.close()
        current = undefined
      }
      const closed = new AbortController()
      const { signal } = closed
      const listen = <Name extends 'pagehide' | 'pageshow' | 'storage'>(
        event: Name,
        listener: (event: WindowEventMap[Name]) => void,
      ) =>
        (globalThis as Partial<typeof globalThis>).addEventListener?.(event, listener, { signal })
      // A page with an open channel is kept out of the back/forward cache.
      listen('pagehide', disconnect)
      listen('pageshow', connect)
      // What another tab wrote to localStorage can become visible after its message; then this event comes.
      listen('storage', ({ key }) => key === name && onMessage('written'))
      connect()

      return {
        post(message) {
          try {
            current?.postMessage(message)
          } catch {
            // A hint that is lost costs nothing.
          }
        },
        close() {
          disconnect()
          closed.abort()
        },
      }
    },
  }
}
