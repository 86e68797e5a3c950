// @vitest-environment happy-dom
import { describe, expect, test, vi } from 'vitest'
import { createFakeClock } from '../../src/testing/index.ts'
import { broadcastChannel } from '../../src/tabs/broadcast-channel.ts'
import { openPageChannel } from '../../src/tabs/page-channel.ts'
import { withoutFloods } from '../../src/tabs/without-floods.ts'
import type { Channel } from '../../src/tabs/channel.ts'
import { channelContract } from '../contracts/channel.ts'

const withinPage: Channel = {
  open: (name, onMessage) => broadcastChannel().open(name, onMessage, { withinPage: true }),
}
channelContract('broadcastChannel within the page', () => ({ one: withinPage, other: withinPage }))

const nobody = () => undefined

describe('a channel within the page', () => {
  test('opens no channel to other tabs (F20)', () => {
    const Platform = vi.fn()
    vi.stubGlobal('BroadcastChannel', Platform)
    withinPage.open('room', nobody).close()
    expect(Platform).not.toHaveBeenCalled()
  })

  test('is what is left where there is no BroadcastChannel (F20)', async () => {
    vi.stubGlobal('BroadcastChannel', undefined)
    const heard: string[] = []
    const one = broadcastChannel().open('room', nobody)
    const other = broadcastChannel().open('room', (message) => heard.push(message))
    one.post('hello')
    await Promise.resolve()
    expect(heard).toEqual(['hello'])
    other.close()
    one.post('hello')
    await Promise.resolve()
    expect(heard).toEqual(['hello'])
  })

  test.each([undefined, null, 7, 'text', {}, { message: {} }])(
    'ignores an event that says %j (A-80)',
    async (detail) => {
      const heard = vi.fn()
      const connection = openPageChannel('room', heard)
      document.dispatchEvent(new CustomEvent('channel room', { detail }))
      await Promise.resolve()
      expect(heard).not.toHaveBeenCalled()
      connection.close()
    },
  )

  test('is mute where there is no page: one server process has many users (F20)', async () => {
    const heard = vi.fn()
    vi.stubGlobal('document', undefined)
    withinPage.open('room', heard)
    withinPage.open('room', nobody).post('hello')
    await Promise.resolve()
    expect(heard).not.toHaveBeenCalled()
  })
})

const calm: Channel = withoutFloods(withinPage, createFakeClock())
channelContract('withoutFloods', () => ({ one: calm, other: calm }))
