/**
 * A way to reach the other tabs (and other clients in this one) that use the same session key.
 *
 * - `open` joins the named channel and gives a connection. `onMessage` is called for what others
 *   post, never for what this connection posts itself, and never synchronously from `post`.
 * - Messages are hints: strings that anybody on the origin can send, late, twice or never. They
 *   carry no tokens, and a receiver acts on them only by looking at the store.
 * - `post` never throws. After `close` nothing is sent or heard.
 */
export interface Channel {
  open(name: string, onMessage: (message: string) => void): ChannelConnection
}

export interface ChannelConnection {
  post(message: string): void
  close(): void
}
