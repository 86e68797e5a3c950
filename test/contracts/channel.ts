import { describe, expect, test, vi } from 'vitest'
import type { Channel, ChannelConnection } from '../../src/tabs/channel.ts'

export interface ChannelPair {
  /** Two ways to the same channels: of two tabs, where the channel reaches that far. */
  one: Channel
  other: Channel
}

let names = 0

/** What every channel does that reaches anybody. */
export function channelContract(name: string, make: () => ChannelPair) {
  const join = (channel: Channel, room: string) => {
    const heard: string[] = []
    return { heard, ...channel.open(room, (message) => heard.push(message)) }
  }
  /** Two connections, and a third that tells when everything posted so far was heard. */
  const meet = () => {
    const { one, other } = make()
    const room = `room ${String((names += 1))}`
    const third = join(other, room)
    return {
      room,
      a: join(one, room),
      b: join(other, room),
      channels: { one, other },
      heardByAll: async (connection: ChannelConnection) => {
        connection.post('last')
        await vi.waitFor(() => expect(third.heard).toContain('last'))
      },
    }
  }

  describe(`${name} keeps the contract of a channel`, () => {
    test('carries a message to the other connections', async () => {
      const { a, b } = meet()
      a.post('hello')
      await vi.waitFor(() => expect(b.heard).toEqual(['hello']))
    })

    test('carries messages in the order posted', async () => {
      const { a, b } = meet()
      for (const message of ['1', '2', '3']) a.post(message)
      await vi.waitFor(() => expect(b.heard).toEqual(['1', '2', '3']))
    })

    test('reaches another client of the same page', async () => {
      const { a, room, channels } = meet()
      const neighbour = join(channels.one, room)
      a.post('hello')
      await vi.waitFor(() => expect(neighbour.heard).toEqual(['hello']))
    })

    test('does not hear itself', async () => {
      const { a, b, heardByAll } = meet()
      a.post('own')
      await heardByAll(b)
      await vi.waitFor(() => expect(a.heard).toEqual(['last']))
    })

    test('does not call back while posting', () => {
      const { a, b } = meet()
      a.post('hello')
      expect(b.heard).toEqual([])
    })

    test('keeps channels of different names apart', async () => {
      const { channels, b, heardByAll } = meet()
      const elsewhere = join(channels.one, 'another room')
      elsewhere.post('not for you')
      await heardByAll(b)
      expect(b.heard).toEqual([])
    })

    test('hears nothing after close', async () => {
      const { a, b, heardByAll } = meet()
      b.close()
      await heardByAll(a)
      expect(b.heard).toEqual([])
    })

    test('does not hear what was on its way at close', async () => {
      const { a, b, heardByAll } = meet()
      a.post('on its way')
      b.close()
      await heardByAll(a)
      expect(b.heard).toEqual([])
    })

    test('posts nothing after close, and does not throw', async () => {
      const { a, b, heardByAll, channels, room } = meet()
      const sender = join(channels.one, room)
      a.close()
      a.post('too late')
      await heardByAll(sender)
      await vi.waitFor(() => expect(b.heard).toEqual(['last']))
    })

    test('can be closed twice', () => {
      const { a } = meet()
      a.close()
      expect(() => a.close()).not.toThrow()
    })
  })
}
