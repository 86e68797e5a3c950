import { expect, test, vi } from 'vitest'

const globals = [
  'document',
  'window',
  'location',
  'history',
  'navigator',
  'localStorage',
  'sessionStorage',
  'indexedDB',
  'BroadcastChannel',
  'addEventListener',
  'isSecureContext',
  'crypto',
]

test('importing and making the adapters touches no global of the platform', async () => {
  const touched: string[] = []
  for (const name of globals) {
    vi.stubGlobal(name, undefined)
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get() {
        touched.push(name)
        return undefined
      },
    })
  }

  const { memoryStore } = await import('../../src/storage/memory.ts')
  const { indexedDbStore } = await import('../../src/storage/indexed-db.ts')
  const { pageStore, webStorageStore } = await import('../../src/storage/web-storage.ts')
  const { localLock } = await import('../../src/tabs/local-lock.ts')
  const { webLocks } = await import('../../src/tabs/web-locks.ts')
  const { broadcastChannel } = await import('../../src/tabs/broadcast-channel.ts')
  const { pageHost } = await import('../../src/host/page.ts')
  const { redirect } = await import('../../src/navigation/redirect.ts')
  // The module loader of the test runner reads globals of its own.
  touched.length = 0
  for (const make of [
    memoryStore,
    indexedDbStore,
    pageStore,
    () => webStorageStore({} as Storage),
    localLock,
    webLocks,
    broadcastChannel,
    pageHost,
    redirect,
  ]) {
    make()
  }
  expect(touched).toEqual([])
})
