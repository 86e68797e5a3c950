import { describe, expect, test, vi } from 'vitest'
import { createFakeBrowser } from '../../src/testing/fake-browser.ts'
import { channelContract } from '../contracts/channel.ts'
import { pageHostContract } from '../contracts/host.ts'
import { hold, lockContract, nextTurn } from '../contracts/lock.ts'
import { transactionStoreContract } from '../contracts/store.ts'

const twoTabs = () => {
  const browser = createFakeBrowser()
  return { browser, one: browser.openTab(), other: browser.openTab() }
}

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

const nobody = () => undefined
const elsewhere = 'https://login.example.com/authorize'

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

describe.each([
  ['closed', (tab: { close(): void }) => tab.close()],
  ['crashed', (tab: { crash(): void }) => tab.crash()],
  ['loaded anew', (tab: { load(): void }) => tab.load()],
])('a page whose tab was %s', (_, end) => {
  test('lets go of the lock it held', async () => {
    const { one, other } = twoTabs()
    await hold(one.ports.lock, 'a')
    const next = other.ports.lock.request('a', {}, async () => 'ran')
    end(one)
    expect(await next).toBe('ran')
  })

  test('does not wait for a lock any more', async () => {
    const { browser, one, other } = twoTabs()
    const held = await hold(one.ports.lock, 'a')
    const task = vi.fn(nextTurn)
    void other.ports.lock.request('a', {}, task)
    end(other)
    expect(browser.locks.waiting).toBe(0)
    held.release()
    await held.request
    await nextTurn()
    expect(task).not.toHaveBeenCalled()
  })

  test('never hears how its task ended', async () => {
    const { one } = twoTabs()
    const held = await hold(one.ports.lock, 'a')
    const settled = vi.fn()
    void held.request.then(settled, settled)
    end(one)
    held.release()
    await nextTurn()
    expect(settled).not.toHaveBeenCalled()
  })

  test('gets no lock', async () => {
    const { browser, one } = twoTabs()
    const { lock } = one.ports
    end(one)
    void lock.request('a', {}, nextTurn)
    expect(browser.locks.held).toBe(0)
  })

  test('hears no message', async () => {
    const { browser, one, other } = twoTabs()
    const heard: string[] = []
    one.ports.channel.open('room', (message) => heard.push(message))
    const sender = other.ports.channel.open('room', nobody)
    sender.post('on its way')
    end(one)
    sender.post('too late')
    await browser.clock.settle()
    expect(heard).toEqual([])
  })

  test('posts no message', () => {
    const { browser, one } = twoTabs()
    const connection = one.ports.channel.open('room', nobody)
    end(one)
    connection.post('from beyond')
    expect(browser.posted).toEqual([])
  })

  test('has no timers', async () => {
    const { browser, one } = twoTabs()
    const callback = vi.fn()
    const { clock } = one.ports
    clock.setTimeout(callback, 100)
    end(one)
    clock.setTimeout(callback, 100)
    expect(browser.clock.timers).toBe(0)
    await browser.clock.advance(1_000)
    expect(callback).not.toHaveBeenCalled()
  })

  test('writes nothing and reads nothing', async () => {
    const { browser, one } = twoTabs()
    const { store } = one.ports
    const settled = vi.fn()
    end(one)
    for (const attempt of [store.set('a', 'one'), store.get('a'), store.keys('')]) {
      void Promise.resolve(attempt).then(settled, settled)
    }
    await browser.clock.settle()
    expect(browser.local.size).toBe(0)
    expect(settled).not.toHaveBeenCalled()
  })

  test('goes nowhere and wakes no more', () => {
    const { one } = twoTabs()
    const { host } = one.ports
    const listener = vi.fn()
    host.onWake(listener)
    end(one)
    host.onWake(listener)
    host.navigate(elsewhere)
    host.replaceUrl('/clean')
    one.wake()
    expect(listener).not.toHaveBeenCalled()
    expect([...one.navigations, ...one.replaced]).toEqual([])
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

describe('a frozen tab', () => {
  test('calls timers late, when it goes on', async () => {
    const { browser, one } = twoTabs()
    const callback = vi.fn()
    one.ports.clock.setTimeout(callback, 100)
    one.freeze()
    await browser.clock.advance(1_000)
    expect(callback).not.toHaveBeenCalled()
    one.resume()
    expect(callback).toHaveBeenCalledOnce()
  })

  test('does not call a timer that is cancelled before it goes on', async () => {
    const { browser, one } = twoTabs()
    const callback = vi.fn()
    const cancel = one.ports.clock.setTimeout(callback, 100)
    one.freeze()
    await browser.clock.advance(1_000)
    cancel()
    one.resume()
    expect(callback).not.toHaveBeenCalled()
  })

  test('hears messages late, in order', async () => {
    const { browser, one, other } = twoTabs()
    const heard: string[] = []
    one.ports.channel.open('room', (message) => heard.push(message))
    const sender = other.ports.channel.open('room', nobody)
    one.freeze()
    sender.post('1')
    sender.post('2')
    await browser.clock.settle()
    expect(heard).toEqual([])
    one.resume()
    expect(heard).toEqual(['1', '2'])
  })

  test('keeps the lock it holds', async () => {
    const { one, other } = twoTabs()
    await hold(one.ports.lock, 'a')
    one.freeze()
    const task = vi.fn(nextTurn)
    void other.ports.lock.request('a', {}, task)
    await nextTurn()
    expect(task).not.toHaveBeenCalled()
  })

  test('is granted a lock it waits for, and sits on it', async () => {
    const { browser, one, other } = twoTabs()
    const held = await hold(one.ports.lock, 'a')
    const task = vi.fn(async () => 'ran')
    const request = other.ports.lock.request('a', {}, task)
    other.freeze()
    held.release()
    await nextTurn()
    expect(browser.locks).toMatchObject({ held: 1, waiting: 0 })
    expect(task).not.toHaveBeenCalled()
    other.resume()
    expect(await request).toBe('ran')
  })

  test('learns late that its lock was stolen', async () => {
    const { one, other } = twoTabs()
    const held = await hold(one.ports.lock, 'a')
    const rejected = vi.fn()
    held.request.catch(rejected)
    one.freeze()
    await other.ports.lock.request('a', { steal: true }, nextTurn)
    expect(rejected).not.toHaveBeenCalled()
    one.resume()
    await nextTurn()
    expect(rejected).toHaveBeenCalledOnce()
  })

  test('writes when it goes on', async () => {
    const { browser, one } = twoTabs()
    one.freeze()
    const written = one.ports.store.set('a', 'one')
    await browser.clock.settle()
    expect(browser.local.has('a')).toBe(false)
    one.resume()
    await written
    expect(browser.local.get('a')).toBe('one')
  })

  test('reads what is there when it goes on', async () => {
    const { browser, one } = twoTabs()
    one.freeze()
    const read = one.ports.store.get('a')
    browser.local.set('a', 'later')
    one.resume()
    expect(await read).toBe('later')
  })

  test('rejects when it goes on and storage fails', async () => {
    const { browser, one } = twoTabs()
    one.freeze()
    const read = one.ports.store.get('a')
    browser.failStorage('get')
    one.resume()
    await expect(read).rejects.toMatchObject({ name: 'SecurityError' })
  })

  test('wakes when it goes on', () => {
    const { one } = twoTabs()
    const listener = vi.fn()
    one.ports.host.onWake(listener)
    one.freeze()
    one.wake()
    expect(listener).not.toHaveBeenCalled()
    one.resume()
    expect(listener).toHaveBeenCalledOnce()
  })

  test('does nothing more once closed', async () => {
    const { browser, one } = twoTabs()
    one.freeze()
    void one.ports.store.set('a', 'one')
    one.close()
    one.resume()
    await browser.clock.settle()
    expect(browser.local.size).toBe(0)
  })
})

describe('a page that navigated away', () => {
  const leave = async () => {
    const { browser, one, other } = twoTabs()
    one.ports.host.navigate(elsewhere)
    await nextTurn()
    return { browser, one, other }
  }

  test('leaves the tab at the new address', async () => {
    const { one } = await leave()
    expect(one.url).toBe(elsewhere)
    expect(one.navigations).toEqual([elsewhere])
  })

  test('finishes what it does in the same turn', async () => {
    const { browser, one } = twoTabs()
    one.ports.host.navigate(elsewhere)
    await one.ports.store.set('a', 'one')
    expect(browser.local.get('a')).toBe('one')
  })

  test('still replaces its own address then, but not the one the tab goes to', () => {
    const { one } = twoTabs()
    one.ports.host.navigate(elsewhere)
    one.ports.host.replaceUrl('/clean')
    expect(one.url).toBe(elsewhere)
    expect(one.ports.host.url()).toBe('https://app.example.com/clean')
  })

  test('goes on when it is restored at once', async () => {
    const { browser, one } = twoTabs()
    one.ports.host.navigate(elsewhere)
    one.restoreFromBackForwardCache()
    await nextTurn()
    await one.ports.store.set('a', 'one')
    expect(browser.local.get('a')).toBe('one')
  })

  test('does nothing more', async () => {
    const { browser, one } = await leave()
    const callback = vi.fn()
    one.ports.clock.setTimeout(callback, 100)
    void one.ports.store.set('a', 'one')
    await browser.clock.advance(1_000)
    expect(callback).not.toHaveBeenCalled()
    expect(browser.local.size).toBe(0)
  })

  test('goes on where it was when restored from the back/forward cache', async () => {
    const { browser, one } = await leave()
    const { ports } = one
    const written = ports.store.set('a', 'one')
    one.restoreFromBackForwardCache()
    await written
    expect(browser.local.get('a')).toBe('one')
    expect(one.ports).toBe(ports)
    expect(one.url).toBe('https://app.example.com/')
  })

  test('hears that it was restored before timers that fell due meanwhile', async () => {
    const { browser, one } = twoTabs()
    const calls: string[] = []
    one.ports.clock.setTimeout(() => calls.push('timer'), 100)
    one.ports.host.onWake(({ restored }) => calls.push(restored ? 'restored' : 'woken'))
    one.ports.host.navigate(elsewhere)
    await browser.clock.advance(1_000)
    one.restoreFromBackForwardCache()
    expect(calls).toEqual(['restored', 'timer'])
  })

  test('misses the messages posted while it was away', async () => {
    const { browser, one, other } = twoTabs()
    const heard: string[] = []
    one.ports.channel.open('room', (message) => heard.push(message))
    one.ports.host.navigate(elsewhere)
    await nextTurn()
    other.ports.channel.open('room', nobody).post('hello')
    await browser.clock.settle()
    one.restoreFromBackForwardCache()
    expect(heard).toEqual([])
  })

  test('is not resumed as a frozen one is', async () => {
    const { browser, one } = await leave()
    void one.ports.store.set('a', 'one')
    one.resume()
    await browser.clock.settle()
    expect(browser.local.size).toBe(0)
  })

  test('is not kept when it holds a lock', async () => {
    const { browser, one } = twoTabs()
    await hold(one.ports.lock, 'a')
    one.ports.host.navigate(elsewhere)
    await nextTurn()
    expect(browser.locks.held).toBe(0)
    expect(() => one.restoreFromBackForwardCache()).toThrow('back/forward cache')
  })

  test('is gone once another page was loaded', async () => {
    const { one } = await leave()
    one.load('/callback?code=1')
    expect(() => one.restoreFromBackForwardCache()).toThrow('back/forward cache')
  })
})
