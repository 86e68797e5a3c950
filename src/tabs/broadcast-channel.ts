import { openPageChannel } from './page-channel.ts'
import type { Channel, ChannelConnection } from './channel.ts'

/** Makes a channel between the tabs of the origin (BroadcastChannel), or within the page where there is none. */
export function broadcastChannel(): Channel {
  return {
    open(name, onMessage, { withinPage = false } = {}) {
      if (withinPage) return openPageChannel(name, onMessage)
      let current: BroadcastChannel | undefined
      let neighbours: ChannelConnection | undefined
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
          // Not there, or denied to an opaque origin: this page is on its own.
          neighbours ??= openPageChannel(name, onMessage)
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
            neighbours?.post(message)
          } catch {
            // A hint that is lost costs nothing.
          }
        },
        close() {
          disconnect()
          neighbours?.close()
          closed.abort()
        },
      }
    },
  }
}
