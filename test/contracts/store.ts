import { describe, expect, test } from 'vitest'
import type { Store, TransactionStore } from '../../src/storage/store.ts'

/** What every store does; `make` gives an empty one. */
export function storeContract(name: string, make: () => Store) {
  describe(`${name} keeps the contract of a store`, () => {
    test('gives what was set', async () => {
      const store = make()
      await store.set('a', 'one')
      expect(await store.get('a')).toBe('one')
    })

    test('gives nothing for a key that was never set', async () => {
      expect((await make().get('a')) ?? 'nothing').toBe('nothing')
    })

    test('keeps an empty string apart from nothing', async () => {
      const store = make()
      await store.set('a', '')
      expect(await store.get('a')).toBe('')
    })

    test('replaces a value', async () => {
      const store = make()
      await store.set('a', 'one')
      await store.set('a', 'two')
      expect(await store.get('a')).toBe('two')
    })

    test('keeps every character', async () => {
      const store = make()
      for (const value of [
        JSON.stringify({ name: 'Ægir 🌊 \u0000 \u2028', quote: '"' }),
        '\ufeffbegins with a byte order mark',
      ]) {
        await store.set('a', value)
        expect(await store.get('a')).toBe(value)
      }
    })

    test('keeps a megabyte', async () => {
      const store = make()
      const value = 'Ægir'.repeat(250_000)
      await store.set('a', value)
      expect((await store.get('a')) === value).toBe(true)
    })

    test('keeps names apart that differ in a character, whatever the characters', async () => {
      const store = make()
      const names = ['', 'a', 'A', 'a|b', 'a|b|', 'ä', '🌊', 'constructor', 'length']
      for (const name of names) await store.set(name, `value of ${name}`)
      for (const name of names) expect(await store.get(name)).toBe(`value of ${name}`)
    })

    test('keeps several values set at once', async () => {
      const store = make()
      await Promise.all([store.set('a', 'one'), store.set('b', 'two')])
      expect([await store.get('a'), await store.get('b')]).toEqual(['one', 'two'])
    })

    test('removes a value and nothing else', async () => {
      const store = make()
      await store.set('a', 'one')
      await store.set('b', 'two')
      await store.remove('a')
      expect((await store.get('a')) ?? 'nothing').toBe('nothing')
      expect(await store.get('b')).toBe('two')
    })

    test('takes the removal of a key that is not there', async () => {
      const store = make()
      await store.remove('a')
      expect((await store.get('a')) ?? 'nothing').toBe('nothing')
    })
  })
}

/** What every store of sign-ins under way does; `make` gives an empty one. */
export function transactionStoreContract(name: string, make: () => TransactionStore) {
  storeContract(name, make)

  describe(`${name} keeps the contract of a store that lists its keys`, () => {
    test('has no keys at first', async () => {
      expect(await make().keys('')).toEqual([])
    })

    test('lists the keys that start with a prefix', async () => {
      const store = make()
      for (const key of ['pkce:tx:1', 'other:pkce:tx:', 'pkce:tx:2', 'pkce:']) {
        await store.set(key, 'value')
      }
      expect((await store.keys('pkce:tx:')).sort()).toEqual(['pkce:tx:1', 'pkce:tx:2'])
    })

    test('lists no key that was removed', async () => {
      const store = make()
      await store.set('a', 'one')
      await store.remove('a')
      expect(await store.keys('')).toEqual([])
    })

    test('lists keys that can be removed one by one', async () => {
      const store = make()
      for (const key of ['tx1', 'tx2', 'tx3']) await store.set(key, 'value')
      for (const key of await store.keys('tx')) await store.remove(key)
      expect(await store.keys('')).toEqual([])
    })
  })
}
