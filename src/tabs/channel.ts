/**
 * A way to reach the other tabs (and other clients in this one) that use the same session key.
 * Messages are hints: strings that anybody on the origin can send, late, twice or never. They
 * carry no tokens, and a receiver acts on them only by looking at the store.
 */
export interface Channel {
  /**
   * Joins the named channel. `onMessage` is called for what others post, never for what this connection posts itself,
   * and never synchronously from `post`.
   */
  open(
    name: string,
    onMessage: (message: string) => void,
    options?: ChannelOptions,
  ): ChannelConnection
}

/** How far a channel reaches. */
export interface ChannelOptions {
  /** Only the clients of this page need to hear the messages, because its store is not shared with other tabs. */
  withinPage?: boolean
}

/** A place in a channel. */
export interface ChannelConnection {
  /** Tells the others; never throws. */
  post(message: string): void
  /** Leaves: nothing is sent or heard afterwards. */
  close(): void
}
