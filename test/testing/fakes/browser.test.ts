import { describe, expect, test, vi } from 'vitest'
import { createFakeBrowser } from '../../../src/testing/fakes/browser.ts'
import { channelContract } from '../../contracts/channel.ts'
import { pageHostContract } from '../../contracts/host.ts'
import { hold, lockContract, nextTurn } from '../../contracts/lock.ts'
import { nobody, twoTabs } from './support.ts'
import { transactionStoreContract } from '../../contracts/store.ts'

transactionStoreContract('a fake localStorage', () => createFakeBrowser().openTab().ports.store)
transactionStoreContract('a fake sessionStorage', () => createFakeBrowser().openTab().sessionStore)
lockContract('the locks of fake tabs', () => {
  const { one, other } = twoTabs()
  return { one: one.ports.lock, other: other.ports.lock }
})
lockContract('the locks of one fake page', () => {
  const { lock } = createFakeBrowser().openTab().ports
  return { one: lock, other: lock }
})
channelContract('the channels of fake tabs', () => {
  const { one, other } = twoTabs()
  return { one: one.ports.channel, other: other.ports.channel }
})
pageHostContract('a fake page', () => {
  const tab = createFakeBrowser().openTab('/start?a=1#b')
  return {
    host: tab.ports.host,
    wake({ restored }) {
      if (!restored) return tab.wake()
      tab.ports.host.navigate('https://login.example.com/')
      tab.restoreFromBackForwardCache()
    },
    prerender: () => void (tab.prerendering = true),
    activate: () => tab.activate(),
    gesture: (isActive) => void (tab.gesture = isActive),
    navigations: () => tab.navigations,
  }
})

describe('tabs', () => {
  test('open on the origin of the browser', () => {
    expect(createFakeBrowser({ origin: 'https://other.example' }).openTab('/a').url).toBe(
      'https://other.example/a',
    )
  })

  test('are listed while they are open', () => {
    const { browser, one, other } = twoTabs()
    one.close()
    expect(browser.tabs).toEqual([other])
  })

  test('share localStorage', async () => {
    const { one, other } = twoTabs()
    await one.ports.store.set('a', 'one')
    expect(await other.ports.store.get('a')).toBe('one')
    expect(one.ports.store.shared).toBe(true)
  })

  test('keep transactions where every tab finds them', async () => {
    const { one, other } = twoTabs()
    await one.ports.transactionStore.set('a', 'one')
    expect(await other.ports.transactionStore.keys('')).toEqual(['a'])
  })

  test('have a sessionStorage each', async () => {
    const { one, other } = twoTabs()
    await one.sessionStore.set('a', 'one')
    expect(await other.sessionStore.get('a')).toBeNull()
    expect(one.sessionStore.shared).toBe(false)
  })

  test('give the same ports as long as the page is the same', () => {
    const { one } = twoTabs()
    expect(one.ports).toBe(one.ports)
  })

  test('show the address a page has put in the place of its own', () => {
    const { one } = twoTabs()
    one.ports.host.replaceUrl('/clean')
    expect(one.url).toBe('https://app.example.com/clean')
    expect(one.replaced).toEqual(['https://app.example.com/clean'])
  })

  test('begin a new page without a click', () => {
    const { one } = twoTabs()
    one.gesture = true
    one.load()
    expect(one.ports.host.hasUserGesture()).toBe(false)
  })

  test('cannot load once closed', () => {
    const { one } = twoTabs()
    one.close()
    expect(() => one.load()).toThrow('closed')
  })
})

describe('the storage of a fake browser', () => {
  test('can be tampered with', async () => {
    const { browser, one } = twoTabs()
    browser.local.set('record', '{"__proto__":')
    expect(await one.ports.store.get('record')).toBe('{"__proto__":')
  })

  const attempts = {
    get: (store: { get(key: string): unknown }) => store.get('a'),
    set: (store: { set(key: string, value: string): unknown }) => store.set('a', 'one'),
    remove: (store: { remove(key: string): unknown }) => store.remove('a'),
    keys: (store: { keys(prefix: string): unknown }) => store.keys(''),
  }

  test.each([
    ['get', ['get', 'keys']],
    ['set', ['set']],
    ['all', ['get', 'set', 'remove', 'keys']],
    [undefined, []],
  ] as const)('failing in the manner of %s makes %j throw (A-76)', (kind, failing) => {
    const { browser, one } = twoTabs()
    browser.failStorage('all')
    browser.failStorage(kind)
    for (const store of [one.ports.store, one.sessionStore]) {
      const thrown = Object.entries(attempts).filter(([, attempt]) => {
        try {
          attempt(store)
          return false
        } catch {
          return true
        }
      })
      expect(thrown.map(([name]) => name)).toEqual(failing)
    }
  })

  test('fails for pages that are open already (A-76)', () => {
    const { browser, one } = twoTabs()
    browser.failStorage('set')
    expect(() => one.ports.store.set('a', 'one')).toThrow(
      expect.objectContaining({ name: 'QuotaExceededError' }),
    )
  })
})

describe('what a test can see', () => {
  test('every message posted, heard or not', () => {
    const { browser, one } = twoTabs()
    one.ports.channel.open('room', nobody).post('hello')
    expect(browser.posted).toEqual(['hello'])
  })

  test('how many locks are held and waited for', async () => {
    const { browser, one, other } = twoTabs()
    await hold(one.ports.lock, 'a')
    await hold(one.ports.lock, 'b')
    void other.ports.lock.request('a', {}, nextTurn)
    expect(browser.locks).toMatchObject({ held: 2, waiting: 1 })
  })

  test('that no lock is held once tasks are done', async () => {
    const { browser, one } = twoTabs()
    await one.ports.lock.request('a', {}, nextTurn)
    expect(browser.locks).toMatchObject({ held: 0, waiting: 0 })
  })
})

describe('a new page in a tab', () => {
  test('is at the address loaded', () => {
    const { one } = twoTabs()
    one.load('/callback?code=1')
    expect(one.url).toBe('https://app.example.com/callback?code=1')
    expect(one.ports.host.url()).toBe(one.url)
  })

  test('finds the sessionStorage of the page before', async () => {
    const { one } = twoTabs()
    await one.sessionStore.set('a', 'one')
    one.load()
    expect(await one.sessionStore.get('a')).toBe('one')
  })

  test('runs after a crash', async () => {
    const { one } = twoTabs()
    one.crash()
    one.load()
    await one.ports.store.set('a', 'one')
    expect(await one.ports.store.get('a')).toBe('one')
  })

  test('is prerendered until it is activated (A-81)', async () => {
    const { one } = twoTabs()
    const shown = vi.fn()
    one.prerendering = true
    one.load('/callback?code=1')
    void one.ports.host.whenShown().then(shown)
    await nextTurn()
    expect(shown).not.toHaveBeenCalled()
    one.activate()
    await nextTurn()
    expect(shown).toHaveBeenCalledOnce()
  })
})

describe('a duplicated tab', () => {
  test('shows the same address', () => {
    const tab = createFakeBrowser().openTab('/start')
    expect(tab.duplicate().url).toBe('https://app.example.com/start')
  })

  test('begins with a copy of the sessionStorage', async () => {
    const { one } = twoTabs()
    await one.sessionStore.set('a', 'one')
    expect(await one.duplicate().sessionStore.get('a')).toBe('one')
  })

  test('keeps its copy to itself', async () => {
    const { one } = twoTabs()
    const copy = one.duplicate()
    await copy.sessionStore.set('a', 'copy')
    expect(await one.sessionStore.get('a')).toBeNull()
  })

  test('is a tab of the browser', () => {
    const { browser, one, other } = twoTabs()
    expect(browser.tabs).toEqual([one, other, one.duplicate()])
  })
})
