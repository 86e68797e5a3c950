import type { Channel } from '../../tabs/channel.ts'
import { turn } from './clock.ts'
import type { FakePage } from './page.ts'

/** The broadcast channels of a fake browser. */
interface FakeChannels {
  /** Every message ever posted, oldest first. */
  readonly posted: string[]
  of(page: FakePage): Channel
}

interface Connection {
  page: FakePage
  name: string
  withinPage: boolean
  hear(message: string): void
}

/** A channel is that of an origin. */
function isSameChannel(one: Connection, other: Connection): boolean {
  return one.name === other.name && one.page.origin === other.page.origin
}

export function createFakeChannels(): FakeChannels {
  const connections = new Set<Connection>()
  const posted: string[] = []

  const deliver = (sender: Connection, message: string) => {
    posted.push(message)
    for (const receiver of connections) {
      if (receiver === sender || !isSameChannel(receiver, sender)) continue
      if (sender.withinPage && receiver.page !== sender.page) continue
      void turn().then(() => {
        if (receiver.page.state === 'cached') return
        receiver.page.run(() => {
          if (connections.has(receiver)) receiver.hear(message)
        })
      })
    }
  }

  return {
    posted,
    of: (page) => ({
      open(name, onMessage, { withinPage = false } = {}) {
        const connection: Connection = { page, name, withinPage, hear: onMessage }
        connections.add(connection)
        page.onGone(() => connections.delete(connection))
        return {
          post: (message) =>
            page.run(() => {
              if (connections.has(connection)) deliver(connection, message)
            }),
          close: () => void connections.delete(connection),
        }
      },
    }),
  }
}
