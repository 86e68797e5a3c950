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
      // A page with an open channel is kept out of the back/forward cache.
      const page = globalThis as Partial<typeof globalThis>
      page.addEventListener?.('pagehide', disconnect)
      page.addEventListener?.('pageshow', connect)
      // What another tab wrote to localStorage can become visible after its message; then this event comes.
      const onWritten = ({ key }: StorageEvent) => {
        if (key === name) onMessage('written')
      }
      page.addEventListener?.('storage', onWritten)
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
          page.removeEventListener?.('pagehide', disconnect)
          page.removeEventListener?.('pageshow', connect)
          page.removeEventListener?.('storage', onWritten)
        },
      }
    },
  }
}
