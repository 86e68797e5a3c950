// @vitest-environment happy-dom
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { pageStore, webStorageStore } from '../../src/storage/web-storage.ts'
import { transactionStoreContract } from '../contracts/store.ts'

beforeEach(() => {
  localStorage.clear()
  sessionStorage.clear()
})

transactionStoreContract('webStorageStore(localStorage)', () => webStorageStore(localStorage))
transactionStoreContract('webStorageStore(sessionStorage)', () => webStorageStore(sessionStorage))
transactionStoreContract('pageStore', pageStore)

const denied = () => {
  throw new DOMException('Access is denied for this document.', 'SecurityError')
}

/** A storage all of whose methods throw, as with site data blocked. */
const brokenStorage = () =>
  new Proxy({} as Storage, { get: denied, has: denied, set: denied, ownKeys: denied })

describe('webStorageStore', () => {
  test('is shared between tabs on localStorage', () => {
    expect(webStorageStore(localStorage).shared).toBe(true)
  })

  test('is not shared on the sessionStorage of this page', () => {
    expect(webStorageStore(sessionStorage).shared).toBe(false)
  })

  test('is shared on a storage it does not know', () => {
    expect(webStorageStore({} as Storage).shared).toBe(true)
  })

  test('believes what the app says about sharing', () => {
    expect(webStorageStore(sessionStorage, { shared: true }).shared).toBe(true)
    expect(webStorageStore(localStorage, { shared: false }).shared).toBe(false)
  })

  test('survives leaving the page', () => {
    expect(webStorageStore(sessionStorage).volatile ?? false).toBe(false)
  })

  test('reads and writes the storage under the very key it is given', async () => {
    const store = webStorageStore(localStorage)
    await store.set('pkce:https://login.example.com|my-spa', 'record')
    expect(localStorage.getItem('pkce:https://login.example.com|my-spa')).toBe('record')
  })

  test('judges sharing when asked, where sessionStorage cannot be read', () => {
    const store = webStorageStore(localStorage)
    vi.stubGlobal('sessionStorage', undefined)
    Object.defineProperty(globalThis, 'sessionStorage', { get: denied, configurable: true })
    expect(store.shared).toBe(true)
  })

  test('leaves an error of the storage to the caller (A-76)', () => {
    const store = webStorageStore(brokenStorage())
    for (const attempt of [
      () => store.get('a'),
      () => store.set('a', 'one'),
      () => store.remove('a'),
      () => store.keys(''),
    ]) {
      expect(attempt).toThrow('Access is denied')
    }
  })

  test('is made of a broken storage without an error (A-76)', () => {
    expect(() => webStorageStore(brokenStorage())).not.toThrow()
  })
})

describe('pageStore', () => {
  test('is localStorage in a page', async () => {
    const store = pageStore()
    await store.set('a', 'one')
    expect(localStorage.getItem('a')).toBe('one')
    expect(store).toMatchObject({ shared: true, volatile: false })
  })

  test('takes the page that is there when it is used, not when it is made', async () => {
    const store = pageStore()
    const storage = new Map<string, string>()
    vi.stubGlobal('localStorage', {
      setItem: (key: string, value: string) => storage.set(key, value),
    })
    await store.set('a', 'one')
    expect([...storage]).toEqual([['a', 'one']])
  })

  test('keeps to memory where reading the property localStorage throws (A-76)', async () => {
    vi.stubGlobal('localStorage', undefined)
    Object.defineProperty(globalThis, 'localStorage', { get: denied, configurable: true })
    const store = pageStore()
    await store.set('a', 'one')
    expect(await store.get('a')).toBe('one')
    expect(store).toMatchObject({ shared: false, volatile: true })
    expect(store.failure).toMatchObject({ name: 'SecurityError' })
  })

  test.each([null, undefined])(
    'keeps to memory where localStorage is %s (A-76)',
    async (absent) => {
      vi.stubGlobal('localStorage', absent)
      const store = pageStore()
      await store.set('a', 'one')
      expect(await store.get('a')).toBe('one')
      expect(store.volatile).toBe(true)
      expect(store.failure).toBeInstanceOf(Error)
    },
  )

  test('leaves a full storage to the caller (A-76)', () => {
    vi.stubGlobal('localStorage', {
      setItem() {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
      },
    })
    expect(() => pageStore().set('a', 'one')).toThrow('quota')
  })

  test('never takes the process-wide localStorage of a server', async () => {
    vi.stubGlobal('document', undefined)
    const store = pageStore()
    await store.set('a', 'one')
    expect(localStorage.length).toBe(0)
    expect(store).toMatchObject({ shared: false, volatile: true })
    expect(store.failure).toBeUndefined()
  })

  test('does not change its mind while it is used', async () => {
    vi.stubGlobal('document', undefined)
    const store = pageStore()
    await store.set('a', 'one')
    vi.unstubAllGlobals()
    expect(await store.get('a')).toBe('one')
  })
})
