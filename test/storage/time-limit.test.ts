import { describe, expect, test, vi } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { timeLimited } from '../../src/storage/time-limit.ts'
import { createFakeClock } from '../../src/testing/index.ts'
import type { TransactionStore } from '../../src/index.ts'
import { transactionStoreContract } from '../contracts/store.ts'

const asynchronous = (store = memoryStore()): TransactionStore => ({
  ...store,
  get: async (key) => store.get(key),
  set: async (key, value) => store.set(key, value),
  remove: async (key) => store.remove(key),
  keys: async (prefix) => store.keys(prefix),
})

transactionStoreContract('timeLimited(memoryStore())', () =>
  timeLimited(memoryStore(), createFakeClock()),
)
transactionStoreContract('timeLimited of an asynchronous store', () =>
  timeLimited(asynchronous(), createFakeClock()),
)

const late = { code: 'storage_unavailable' }
const outcome = (answer: unknown) =>
  Promise.resolve(answer).then(
    () => 'answered',
    (error: unknown) => (error as { code: string }).code,
  )

describe('a store with a time limit', () => {
  test('asks a store that answers at once without a timer, and says what it says (F11)', () => {
    const clock = createFakeClock()
    const store = timeLimited(memoryStore(), clock)
    store.set('a', '1')
    expect(store.get('a')).toBe('1')
    expect(store).toMatchObject({ shared: false, volatile: true })
    expect(clock.timers).toBe(0)
  })

  test('leaves no timer behind when the store answers in time (F11)', async () => {
    const clock = createFakeClock()
    const store = timeLimited(asynchronous(), clock)
    await store.set('a', '1')
    expect(await store.get('a')).toBe('1')
    expect(clock.timers).toBe(0)
  })

  test.each(['get', 'set', 'remove', 'keys'] as const)(
    '%s fails after five seconds awake, and time asleep does not count (F11)',
    async (method) => {
      const clock = createFakeClock()
      const never = () => new Promise<never>(() => undefined)
      const store = timeLimited({ ...memoryStore(), [method]: never }, clock)
      const answer = outcome(store[method]('a', 'b'))
      const settled = vi.fn()
      void answer.then(settled)
      clock.jump(3_600_000)
      await clock.advance(4700)
      expect(settled).not.toHaveBeenCalled()
      await clock.advance(300)
      expect(await answer).toBe(late.code)
    },
  )

  test('asks a store that owes an answer again, does not wait, and writes nothing (F11)', async () => {
    const clock = createFakeClock()
    const answers: (() => void)[] = []
    const get = vi.fn(() => new Promise<string>((resolve) => answers.push(() => resolve('1'))))
    const set = vi.fn()
    const heard = vi.fn()
    const store = timeLimited({ ...memoryStore(), get, set }, clock)
    store.onLateAnswer(heard)
    const first = outcome(store.get('a'))
    await clock.advance(5000)
    expect(await first).toBe(late.code)
    expect(await outcome(store.get('a'))).toBe(late.code)
    expect(get).toHaveBeenCalledTimes(2)
    expect(await outcome(store.set('a', '1'))).toBe(late.code)
    expect(set).not.toHaveBeenCalled()
    answers[1]!()
    await clock.settle()
    expect(heard).toHaveBeenCalledOnce()
    expect(await outcome(store.set('a', '1'))).toBe('answered')
  })

  test('writes nothing while it is not known what became of a write, and tells when it is (F11)', async () => {
    const clock = createFakeClock()
    let fail = () => {}
    const set = vi.fn(() => new Promise<void>((_, reject) => (fail = () => reject(new Error()))))
    const remove = vi.fn()
    const heard = vi.fn()
    const store = timeLimited({ ...memoryStore(), set, remove }, clock)
    store.onLateAnswer(heard)
    const first = outcome(store.set('a', '1'))
    await clock.advance(5000)
    expect(await first).toBe(late.code)
    expect([await outcome(store.set('a', '2')), await outcome(store.remove('a'))]).toEqual([
      late.code,
      late.code,
    ])
    expect([set.mock.calls.length, remove.mock.calls.length]).toEqual([1, 0])
    expect(store.get('a')).toBeUndefined()
    expect(store.isWriting()).toBe(true)
    fail()
    await clock.settle()
    expect(heard).toHaveBeenCalledOnce()
    expect(store.isWriting()).toBe(false)
    expect(await outcome(store.remove('a'))).toBe('answered')
  })
})
