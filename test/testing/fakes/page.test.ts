import { describe, expect, test, vi } from 'vitest'
import { hold, nextTurn } from '../../contracts/lock.ts'
import { nobody, twoTabs } from './support.ts'

const elsewhere = 'https://login.example.com/authorize'

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

  test('is followed by a page of the app when a path is loaded', async () => {
    const { one } = await leave()
    one.load('/orders')
    expect(one.url).toBe('https://app.example.com/orders')
  })

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
