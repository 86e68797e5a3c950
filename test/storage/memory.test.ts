import { expect, test } from 'vitest'
import { memoryStore } from '../../src/storage/memory.ts'
import { transactionStoreContract } from '../contracts/store.ts'

transactionStoreContract('memoryStore', memoryStore)

test('a memory store says that it is neither shared nor lasting', () => {
  expect(memoryStore()).toMatchObject({ shared: false, volatile: true })
})

test('two memory stores do not share contents', async () => {
  const store = memoryStore()
  await store.set('a', 'one')
  expect(await memoryStore().get('a')).toBeUndefined()
})

test('a memory store keeps to its own contents where a key is named like a member of an object', async () => {
  const store = memoryStore()
  expect(await store.get('constructor')).toBeUndefined()
  await store.set('__proto__', 'one')
  expect(await store.get('__proto__')).toBe('one')
})
