/**
 * Sends messages to the other clients with the same session key, in other tabs and in this one. Messages are hints: strings
 * that any script of the origin can send, and that may arrive late, twice or never. They contain no tokens, and a client
 * that receives one only reads the store again.
 */
export interface Channel {
  /**
   * Opens a connection to the named channel. `onMessage` is called for the messages of other connections, never for its own,
   * and never synchronously from `post`.
   */
  open(
    name: string,
    onMessage: (message: string) => void,
    options?: ChannelOptions,
  ): ChannelConnection
}

/** Options of {@link Channel.open}. */
export interface ChannelOptions {
  /** The store is not shared with other tabs, so only the clients of this page need to receive the messages. */
  withinPage?: boolean
}

/** A connection to a channel. */
export interface ChannelConnection {
  /** Sends the message to all other connections; never throws. */
  post(message: string): void
  /** Closes the connection: nothing is sent or received afterwards. */
  close(): void
}
