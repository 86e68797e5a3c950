import type { Clock } from '../clock.ts'
import type { Channel } from './channel.ts'

/** In so many milliseconds, so many messages are heard at once. */
const period = 100
const most = 10

/** Makes a channel that cannot keep its listener busy: what is too much is put off, and is then one message. */
export function withoutFloods(channel: Channel, clock: Clock): Channel {
  return {
    open(name, onMessage, options) {
      let since = -Infinity
      let count = 0
      let cancel = () => {}
      const hear = (message: string) => {
        const age = clock.now() - since
        if (age < 0 || age >= period) {
          since = clock.now()
          count = 0
        }
        count += 1
        if (count <= most) onMessage(message)
        else if (count === most + 1) cancel = clock.setTimeout(() => hear(message), period)
      }
      const connection = channel.open(name, hear, options)
      return {
        post: connection.post,
        close() {
          cancel()
          connection.close()
        },
      }
    },
  }
}
