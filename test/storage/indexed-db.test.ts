import { build } from 'esbuild'
import { IDBFactory, IDBObjectStore } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { indexedDbStore } from '../../src/index.ts'
import { transactionStoreContract } from '../contracts/store.ts'
import { closeFromOutside, editRecords, rawRecords, request } from '../support/indexed-db.ts'

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory())
})

transactionStoreContract('indexedDbStore', () => {
  vi.stubGlobal('indexedDB', new IDBFactory())
  return indexedDbStore()
})

const secret = '{"refreshToken":"rt-0123456789"}'

/** Each method once, with what it came to. */
async function outcomes(store = indexedDbStore()): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled([
    store.get('a'),
    store.set('a', 'x'),
    store.remove('a'),
    store.keys(''),
  ])
}

async function expectAllRejected(message: RegExp): Promise<void> {
  for (const outcome of await outcomes()) {
    expect(outcome).toMatchObject({ reason: { message: expect.stringMatching(message) as string } })
  }
}

describe('what is in the database', () => {
  test('is encrypted with AES-GCM, with a key of 256 bits that script cannot export', async () => {
    await indexedDbStore().set('a', secret)
    const [[name, record]] = (await rawRecords()) as [[string, Sealed]]
    expect(name).toBe('a')
    expect(record.key).toMatchObject({
      type: 'secret',
      extractable: false,
      algorithm: { name: 'AES-GCM', length: 256 },
    })
    await expect(crypto.subtle.exportKey('raw', record.key)).rejects.toThrow()
    await expect(crypto.subtle.exportKey('jwk', record.key)).rejects.toThrow()
    expect(Buffer.from(record.ciphertext).toString('latin1')).not.toContain('rt-')
    expect(Object.keys(record).sort()).toEqual(['ciphertext', 'iv', 'key'])
  })

  test('never repeats: each write has an initialisation vector of 12 bytes of its own', async () => {
    const store = indexedDbStore()
    const seen = new Set<string>()
    for (let write = 0; write < 20; write += 1) {
      await store.set('a', secret)
      const [[, { iv, ciphertext }]] = (await rawRecords()) as [[string, Sealed]]
      expect(iv).toHaveLength(12)
      seen.add(Buffer.from(iv).toString('hex')).add(Buffer.from(ciphertext).toString('hex'))
    }
    expect(seen.size).toBe(40)
  })

  test('is gone, key and all, after remove()', async () => {
    const store = indexedDbStore()
    await store.set('a', secret)
    await store.remove('a')
    expect(await rawRecords()).toEqual([])
  })

  test('is there for the next page', async () => {
    await indexedDbStore().set('a', secret)
    expect(await indexedDbStore().get('a')).toBe(secret)
  })

  test('is kept apart by the name of the database', async () => {
    await indexedDbStore({ name: 'one' }).set('a', secret)
    expect(await indexedDbStore({ name: 'two' }).get('a')).toBeUndefined()
    expect(await indexedDbStore({ name: 'one' }).get('a')).toBe(secret)
    expect((await indexedDB.databases()).map(({ name }) => name).sort()).toEqual(['one', 'two'])
  })
})

interface Sealed {
  key: CryptoKey
  iv: Uint8Array
  ciphertext: ArrayBuffer
}

describe('several tabs', () => {
  test('share the contents, and the store says so', async () => {
    const [one, other] = [indexedDbStore(), indexedDbStore()]
    expect([one.shared, one.volatile ?? false]).toEqual([true, false])
    await one.set('a', 'one')
    expect(await other.get('a')).toBe('one')
    await other.remove('a')
    expect(await one.get('a')).toBeUndefined()
  })

  test('that begin at the same moment read what any of them wrote', async () => {
    const tabs = Array.from({ length: 8 }, () => indexedDbStore())
    await Promise.all(tabs.map(async (tab, index) => tab.set(`name ${index}`, `value ${index}`)))
    for (const tab of tabs) {
      for (const index of tabs.keys()) expect(await tab.get(`name ${index}`)).toBe(`value ${index}`)
    }
  })

  test('that write one name at the same moment leave one value, whole, and all read the same', async () => {
    const tabs = Array.from({ length: 8 }, () => indexedDbStore())
    await Promise.all(tabs.map(async (tab, index) => tab.set('a', `value ${index}`)))
    const values = await Promise.all(tabs.map(async (tab) => tab.get('a')))
    expect(values[0]).toMatch(/^value \d$/)
    expect(new Set(values).size).toBe(1)
  })

  test('are not in the way of whoever deletes the database, and go on with an empty one', async () => {
    const store = indexedDbStore()
    await store.set('a', secret)
    const deletion = indexedDB.deleteDatabase('pkce-client')
    const meanwhile = [store.get('a'), store.set('b', secret), store.keys('')]
    await request(deletion)
    await Promise.all(meanwhile.map(async (one) => one))
    expect(await store.get('a')).toBeUndefined()
    await store.set('a', 'new')
    expect(await indexedDbStore().get('a')).toBe('new')
  })
})

describe('contents that are not ours read as nothing, and can be written over (A-75)', () => {
  const sealed = { name: 'a', value: secret }
  const rows: [string, (record: Sealed) => unknown][] = [
    ['text', () => 'text'],
    ['a number', () => 7],
    ['null', () => null],
    ['an array', () => [1, 2, 3]],
    ['an empty object', () => ({})],
    ['plain text where the record should be', () => sealed],
    ['a truncated ciphertext', (one) => ({ ...one, ciphertext: one.ciphertext.slice(0, 20) })],
    ['no ciphertext', ({ ciphertext: _, ...rest }) => rest],
    ['an empty ciphertext', (one) => ({ ...one, ciphertext: new ArrayBuffer(0) })],
    ['5 MB of ciphertext', (one) => ({ ...one, ciphertext: new ArrayBuffer(5_000_000) })],
    ['text as ciphertext', (one) => ({ ...one, ciphertext: secret })],
    ['another initialisation vector', (one) => ({ ...one, iv: new Uint8Array(12) })],
    ['no initialisation vector', ({ iv: _, ...rest }) => rest],
    ['a key that is no key', (one) => ({ ...one, key: { type: 'secret' } })],
    ['no key', ({ key: _, ...rest }) => rest],
  ]

  test.each(rows)('%s', async (_, tamper) => {
    const store = indexedDbStore()
    await store.set('a', secret)
    await editRecords((_, record) => tamper(record as Sealed))
    expect(await store.get('a')).toBeUndefined()
    expect(await store.keys('')).toEqual(['a'])
    await store.set('a', 'new')
    expect(await store.get('a')).toBe('new')
  })

  test.each(['AES-GCM', 'AES-CBC'])('the key replaced by another, for %s', async (name) => {
    const store = indexedDbStore()
    await store.set('a', secret)
    const usages: KeyUsage[] = ['encrypt', 'decrypt']
    const key = await crypto.subtle.generateKey({ name, length: 256 }, false, usages)
    await editRecords((_, record) => ({ ...(record as Sealed), key }))
    expect(await store.get('a')).toBeUndefined()
  })

  test('the record of another name', async () => {
    const store = indexedDbStore()
    await store.set('pkce:https://login.example.com|my-spa', secret)
    await store.set('pkce:https://login.example.com|other', 'theirs')
    const theirs = (await rawRecords()).at(1)![1]
    await editRecords(() => theirs)
    expect(await store.get('pkce:https://login.example.com|my-spa')).toBeUndefined()
    expect(await store.get('pkce:https://login.example.com|other')).toBe('theirs')
  })

  test('bytes that are no text, though they were encrypted properly', async () => {
    const store = indexedDbStore()
    await store.set('a', secret)
    const [[, { key, iv }]] = (await rawRecords()) as [[string, Sealed]]
    const additionalData = new TextEncoder().encode('a')
    const parameters = { name: 'AES-GCM', iv: new Uint8Array(iv), additionalData }
    const ciphertext = await crypto.subtle.encrypt(parameters, key, new Uint8Array([0xff, 0xfe]))
    await editRecords(() => ({ key, iv, ciphertext }))
    expect(await store.get('a')).toBeUndefined()
  })

  test('names that are no text are not listed', async () => {
    const store = indexedDbStore()
    await store.set('a', secret)
    await editRecords(
      (_, record) => record,
      [
        [7, 'x'],
        [new Date(0), 'x'],
        [['a'], 'x'],
      ],
    )
    expect(await store.keys('')).toEqual(['a'])
  })

  test('a database of this name with other things in it is refused, and left as it is', async () => {
    const opening = indexedDB.open('pkce-client', 7)
    opening.onupgradeneeded = () => opening.result.createObjectStore('theirs').add('kept', 1)
    const database = await request(opening)
    await expectAllRejected(/records|object store/)
    const kept = database.transaction('theirs').objectStore('theirs').get(1)
    expect(await request(kept)).toBe('kept')
    database.close()
  })
})

describe('a browser that does not let us (A-76)', () => {
  test('without IndexedDB everything rejects, and making the store does not throw', async () => {
    vi.stubGlobal('indexedDB', undefined)
    await expectAllRejected(/undefined/)
  })

  test('with site data blocked, where reading the property throws', async () => {
    Object.defineProperty(globalThis, 'indexedDB', {
      configurable: true,
      get() {
        throw new DOMException('Access is denied for this document.', 'SecurityError')
      },
    })
    await expectAllRejected(/Access is denied/)
  })

  test('in a private window, where the database does not open', async () => {
    indexedDB.open = () => {
      const failing = Object.assign(new EventTarget(), {
        error: new DOMException('A mutation operation was attempted.', 'InvalidStateError'),
      }) as unknown as IDBOpenDBRequest
      queueMicrotask(() => failing.onerror?.call(failing, new Event('error')))
      return failing
    }
    await expectAllRejected(/mutation operation/)
  })

  test('in a private window that keeps no keys, set() rejects and what was there stays', async () => {
    const store = indexedDbStore()
    await store.set('a', 'before')
    const refusal = new DOMException('The object could not be cloned.', 'DataCloneError')
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw refusal
    })
    await expect(store.set('a', 'after')).rejects.toBe(refusal)
    expect(await store.get('a')).toBe('before')
  })

  test('that takes a value and then cannot keep it, set() rejects and what was there stays', async () => {
    const store = indexedDbStore()
    await store.set('a', 'before')
    const put = IDBObjectStore.prototype.put
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      value: unknown,
      key,
    ) {
      const taken = put.call(this, value, key)
      taken.addEventListener('success', () => this.transaction.abort())
      return taken
    })
    const [setting] = await Promise.allSettled([store.set('a', 'after')])
    expect(setting.status).toBe('rejected')
    expect(await store.get('a')).toBe('before')
  })

  test('without a secure context there is no WebCrypto, and nothing is written in the clear', async () => {
    vi.stubGlobal('crypto', {})
    await expect(indexedDbStore().set('a', secret)).rejects.toThrow()
    expect(await rawRecords().catch(() => [])).toEqual([])
  })
})

describe('a connection that the browser takes away', () => {
  /** Closes the next connections, as many as given, right after they opened. */
  function loseConnections(times: number) {
    const open = indexedDB.open.bind(indexedDB)
    let left = times
    const spy = vi.spyOn(indexedDB, 'open').mockImplementation((name) => {
      const opening = open(name)
      opening.addEventListener('success', () => {
        if (left-- > 0) closeFromOutside(opening.result)
      })
      return opening
    })
    return spy
  }

  test('is opened once more', async () => {
    const store = indexedDbStore()
    await store.set('a', 'one')
    const opened = loseConnections(1)
    expect(await store.get('a')).toBe('one')
    expect(opened).toHaveBeenCalledTimes(2)
    opened.mockRestore()
    loseConnections(1)
    await store.set('a', 'two')
    expect(await store.get('a')).toBe('two')
  })

  test('and not for ever: what keeps failing rejects', async () => {
    const store = indexedDbStore()
    await store.set('a', 'one')
    const opened = loseConnections(100)
    await expect(store.get('a')).rejects.toMatchObject({ name: 'InvalidStateError' })
    expect(opened).toHaveBeenCalledTimes(2)
  })

  test('is not kept: nothing stays open when the work is done', async () => {
    const closed: IDBDatabase[] = []
    const opened: IDBDatabase[] = []
    const open = indexedDB.open.bind(indexedDB)
    vi.spyOn(indexedDB, 'open').mockImplementation((name) => {
      const opening = open(name)
      opening.addEventListener('success', () => {
        const database = opening.result
        const close = database.close.bind(database)
        opened.push(database)
        database.close = () => {
          closed.push(database)
          close()
        }
      })
      return opening
    })
    await outcomes()
    expect(opened).toHaveLength(4)
    expect(closed).toHaveLength(4)
  })
})

test('an app that does not import it does not ship it', async () => {
  const bundle = async (contents: string) => {
    const stdin = { contents, resolveDir: `${import.meta.dirname}/../../src` }
    const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', write: false })
    return outputFiles[0]!.text
  }
  expect(await bundle(`export { indexedDbStore } from './index.ts'`)).toContain('AES-GCM')
  expect(await bundle(`export { PkceClient } from './index.ts'`)).not.toContain('AES-GCM')
})
