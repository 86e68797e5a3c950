import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { broadcastChannel } from '../../src/tabs/broadcast-channel.ts'
import { channelContract } from '../contracts/channel.ts'

const Platform = globalThis.BroadcastChannel as typeof BroadcastChannel & {
  prototype: { unref(): void }
}
/** The channels of the platform that are open. */
const open = new Set<BroadcastChannel>()
const unreferenced = new Set<BroadcastChannel>()

class WatchedChannel extends Platform {
  constructor(name: string) {
    super(name)
    open.add(this)
  }
  override close() {
    open.delete(this)
    super.close()
  }
  unref() {
    unreferenced.add(this)
    Platform.prototype.unref.call(this)
  }
}

beforeEach(() => vi.stubGlobal('BroadcastChannel', WatchedChannel))

afterEach(() => {
  for (const channel of open) channel.close()
  unreferenced.clear()
})

channelContract('broadcastChannel', () => ({
  one: broadcastChannel(),
  other: broadcastChannel(),
}))

const nobody = () => undefined

describe('broadcastChannel', () => {
  test('opens nothing before it is told to', () => {
    broadcastChannel()
    expect(open.size).toBe(0)
  })

  test('opens the channel of the platform under the name it is given', () => {
    broadcastChannel().open('room', nobody)
    expect([...open].map((channel) => channel.name)).toEqual(['room'])
  })

  test('closes the channel of the platform', () => {
    broadcastChannel().open('room', nobody).close()
    expect(open.size).toBe(0)
  })

  test('does not keep a process alive', () => {
    broadcastChannel().open('room', nobody)
    expect(unreferenced).toEqual(open)
  })

  test('ignores what is not a string (A-80)', async () => {
    const heard: unknown[] = []
    broadcastChannel().open('room', (message) => heard.push(message))
    const stranger = new BroadcastChannel('room')
    for (const message of [{ access_token: 'forged' }, null, 1, ['a'], new String('a'), 'a']) {
      stranger.postMessage(message)
    }
    await vi.waitFor(() => expect(heard).toContain('a'))
    expect(heard).toEqual(['a'])
  })

  test('is mute where there is no BroadcastChannel', () => {
    vi.stubGlobal('BroadcastChannel', undefined)
    const connection = broadcastChannel().open('room', nobody)
    expect(() => {
      connection.post('hello')
      connection.close()
    }).not.toThrow()
  })

  test('is mute where an opaque origin may not have one', () => {
    vi.stubGlobal('BroadcastChannel', function () {
      throw new DOMException('Access is denied.', 'SecurityError')
    })
    expect(() => broadcastChannel().open('room', nobody).post('hello')).not.toThrow()
  })

  test('swallows an error of posting', () => {
    const connection = broadcastChannel().open('room', nobody)
    for (const channel of open) {
      channel.postMessage = () => {
        throw new DOMException('Not now.', 'InvalidStateError')
      }
    }
    expect(() => connection.post('hello')).not.toThrow()
  })
})

describe('broadcastChannel and the back/forward cache', () => {
  /** A page's global scope. */
  let page: EventTarget

  beforeEach(() => {
    page = new EventTarget()
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
  })

  test('is closed while the page is hidden away', () => {
    broadcastChannel().open('room', nobody)
    page.dispatchEvent(new Event('pagehide'))
    expect(open.size).toBe(0)
  })

  test('hears again once the page is back', async () => {
    const heard: string[] = []
    broadcastChannel().open('room', (message) => heard.push(message))
    page.dispatchEvent(new Event('pagehide'))
    page.dispatchEvent(new Event('pageshow'))
    new BroadcastChannel('room').postMessage('hello')
    await vi.waitFor(() => expect(heard).toEqual(['hello']))
  })

  test('posting from a page that is hidden away does not throw', () => {
    const connection = broadcastChannel().open('room', nobody)
    page.dispatchEvent(new Event('pagehide'))
    expect(() => connection.post('hello')).not.toThrow()
  })

  test('does not open a second time when the page is first shown', () => {
    broadcastChannel().open('room', nobody)
    page.dispatchEvent(new Event('pageshow'))
    expect(open.size).toBe(1)
  })

  test('stays closed after close when the page is shown again', () => {
    const connection = broadcastChannel().open('room', nobody)
    connection.close()
    page.dispatchEvent(new Event('pagehide'))
    page.dispatchEvent(new Event('pageshow'))
    expect(open.size).toBe(0)
  })
})

describe('broadcastChannel and a localStorage that is slower than its messages', () => {
  const written = (key: string) => Object.assign(new Event('storage'), { key })
  let page: EventTarget

  beforeEach(() => {
    page = new EventTarget()
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
  })

  test('tells again when what another tab wrote under the name is there to be read', () => {
    const heard = vi.fn()
    broadcastChannel().open('room', heard)
    page.dispatchEvent(written('another room'))
    expect(heard).not.toHaveBeenCalled()
    page.dispatchEvent(written('room'))
    expect(heard).toHaveBeenCalledOnce()
  })

  test('tells nothing after close', () => {
    const heard = vi.fn()
    broadcastChannel().open('room', heard).close()
    page.dispatchEvent(written('room'))
    expect(heard).not.toHaveBeenCalled()
  })
})
