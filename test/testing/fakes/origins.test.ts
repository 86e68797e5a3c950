import { describe, expect, test } from 'vitest'
import { PkceClient } from '../../../src/index.ts'
import { createAuthServer, createFakeBrowser } from '../../../src/testing/index.ts'
import { hold, nextTurn } from '../../contracts/lock.ts'
import { nobody } from './support.ts'

const origin = 'http://localhost:5173'
const callback = 'http://127.0.0.1:5173/callback'

function twoOrigins() {
  const browser = createFakeBrowser({ origin })
  return { browser, here: browser.openTab(), there: browser.openTab(callback) }
}

describe('pages of two origins', () => {
  test.each([
    ['another host', callback],
    ['another port', 'http://localhost:5174/'],
    ['another scheme', 'https://localhost:5173/'],
  ])('have a localStorage each: %s (F16)', async (_, url) => {
    const { browser, here } = twoOrigins()
    const there = browser.openTab(url)
    await here.ports.store.set('a', 'here')
    expect(await there.ports.store.get('a')).toBeNull()
    await there.ports.transactionStore.set('a', 'there')
    expect([...browser.local]).toEqual([['a', 'here']])
  })

  test('have a sessionStorage each, in one tab, and find it again (F16)', async () => {
    const { here } = twoOrigins()
    await here.sessionStore.set('a', 'here')
    here.load(callback)
    expect(await here.sessionStore.get('a')).toBeNull()
    here.load(`${origin}/`)
    expect(await here.sessionStore.get('a')).toBe('here')
  })

  test('have notes of their own for one tab (F7, F16)', () => {
    const { here } = twoOrigins()
    here.ports.host.setTabItem('a', 'here')
    here.load(callback)
    expect(here.ports.host.getTabItem('a')).toBeUndefined()
    here.load('/')
    expect(here.ports.host.getTabItem('a')).toBe('here')
  })

  test('a duplicated tab has a copy of what the tab keeps for every origin', async () => {
    const { here } = twoOrigins()
    await here.sessionStore.set('a', 'here')
    here.load(callback)
    const copy = here.duplicate()
    copy.load(`${origin}/`)
    expect(await copy.sessionStore.get('a')).toBe('here')
    await copy.sessionStore.set('a', 'copy')
    here.load(`${origin}/`)
    expect(await here.sessionStore.get('a')).toBe('here')
  })

  test('do not hear each other', async () => {
    const { browser, here, there } = twoOrigins()
    const heard: string[] = []
    there.ports.channel.open('room', (message) => heard.push(message))
    here.ports.channel.open('room', nobody).post('hello')
    await browser.clock.settle()
    expect(heard).toEqual([])
  })

  test('do not wait for each other', async () => {
    const { browser, here, there } = twoOrigins()
    await hold(here.ports.lock, 'a')
    expect(await there.ports.lock.request('a', {}, async () => 'ran')).toBe('ran')
    void here.ports.lock.request('a', {}, nextTurn)
    expect(browser.locks).toMatchObject({ held: 1, waiting: 1 })
  })

  test('of one origin are together, wherever the browser opens its tabs', async () => {
    const { browser, there } = twoOrigins()
    const other = browser.openTab('http://127.0.0.1:5173/orders')
    await there.ports.store.set('a', 'one')
    expect(await other.ports.store.get('a')).toBe('one')
  })
})

test('an app at localhost that is called back at 127.0.0.1 has lost its transaction (F16)', async () => {
  const { browser, here } = twoOrigins()
  const server = createAuthServer({ clock: browser.clock })
  const client = (tab = here) =>
    new PkceClient({
      issuer: server.issuer,
      clientId: 'sandbox-app',
      redirectUri: callback,
      fetch: server.fetch,
      ...tab.ports,
    })
  const { url } = await client().createAuthorizationUrl()
  here.load(await server.authorize(url))
  expect(new URL(here.url).origin).toBe(new URL(callback).origin)
  await expect(client().start()).rejects.toMatchObject({ code: 'transaction_not_found' })
})
