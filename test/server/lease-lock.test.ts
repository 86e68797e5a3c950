import { createFakeClock } from 'pkce-client/testing'
import { expect, test } from 'vitest'
import { nextTurn } from '../contracts/lock.ts'
import { createLeaseLock } from '../../src/server/lease-lock.ts'
import { memorySessions } from '../../src/server/store/memory.ts'
import type { SessionStore } from '../../src/server/store/session-store.ts'

const patience = 20_000

/** Processes that share a store. `elapsed` is their monotonic clock. */
function createProcesses(change: (store: SessionStore) => Partial<SessionStore> = () => ({})) {
  const clock = createFakeClock(undefined, { settle: nextTurn })
  const start = clock.now()
  const memory = memorySessions({ clock })
  const store = { ...memory, ...change(memory) }
  let steady = 0
  let ids = 0
  const lockOf = (own: SessionStore = store) =>
    createLeaseLock({
      store: own,
      clock,
      monotonic: () => clock.now() - start + steady,
      newId: () => `holder ${(ids += 1)}`,
    })
  /** Sets the wall clock, which the monotonic clock does not follow. */
  const setClock = (milliseconds: number) => {
    steady -= milliseconds
    clock.jump(milliseconds)
  }
  return { clock, setClock, store, memory, lockOf }
}

/** A task that runs until it is ended. */
function openTask() {
  let end = () => {}
  let lost: (() => boolean) | undefined
  const ending = new Promise<void>((resolve) => (end = resolve))
  const task = async (isLost: () => boolean) => {
    lost = isLost
    await ending
    return 'done'
  }
  return { task, end: () => end(), hasBegun: () => lost !== undefined, lost: () => lost!() }
}

/** A store that is frozen with its process: what is asked of it meanwhile never leaves. */
function freezable(store: SessionStore) {
  let isFrozen = false
  const never = new Promise<never>(() => {})
  const own: SessionStore = {
    ...store,
    swap: (key, change) => (isFrozen ? never : store.swap(key, change)),
    remove: (key, seen) => (isFrozen ? never : store.remove(key, seen)),
  }
  return { own, freeze: () => (isFrozen = true), wake: () => (isFrozen = false) }
}

test('of fifty who ask at once, one at a time runs its task', async () => {
  const { clock, lockOf } = createProcesses()
  let inside = 0
  let most = 0
  const all = Array.from({ length: 50 }, (_, index) =>
    lockOf().run(
      'session',
      async () => {
        most = Math.max(most, (inside += 1))
        await Promise.resolve()
        inside -= 1
        return index
      },
      { patience },
    ),
  )
  await clock.advance(patience)
  expect(await Promise.all(all)).toEqual(Array.from({ length: 50 }, (_, index) => index))
  expect(most).toBe(1)
})

test('different sessions do not wait for each other', async () => {
  const { clock, lockOf } = createProcesses()
  const first = openTask()
  void lockOf().run('one', first.task, { patience })
  await clock.settle()
  expect(await lockOf().run('other', async () => 'ran', { patience })).toBe('ran')
})

test('the lock is free again after a task that failed', async () => {
  const { lockOf } = createProcesses()
  const fails = () => Promise.reject(new Error('the task failed'))
  await expect(lockOf().run('session', fails, { patience })).rejects.toThrow('the task failed')
  expect(await lockOf().run('session', async () => 'ran', { patience })).toBe('ran')
})

test('whoever waits asks the store some times a second, and not all at the same moment', async () => {
  const asked: number[] = []
  const { clock, lockOf } = createProcesses((memory) => ({
    add: (key, value, options) => {
      asked.push(clock.now())
      return memory.add(key, value, options)
    },
  }))
  void lockOf().run('session', openTask().task, { patience })
  await clock.settle()
  void lockOf().run('session', openTask().task, { patience })
  await clock.advance(10_000)
  const pauses = asked.slice(10).map((at, index) => at - asked[index + 9]!)
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(50)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(100)
  expect(new Set(pauses).size).toBeGreaterThan(1)
})

test('a lease is renewed for as long as its task runs', async () => {
  const { clock, lockOf } = createProcesses()
  const holder = openTask()
  const waiter = openTask()
  const held = lockOf().run('session', holder.task, { patience })
  await clock.settle()
  const waiting = lockOf().run('session', waiter.task, { patience })
  await clock.advance(15_000)
  expect(holder.lost()).toBe(false)
  expect(waiter.hasBegun()).toBe(false)
  holder.end()
  expect(await held).toBe('done')
  await clock.advance(100)
  expect(waiter.hasBegun()).toBe(true)
  waiter.end()
  expect(await waiting).toBe('done')
  expect(clock.timers).toBe(0)
})

test('when the holder dies, the next one has the lock within the lease', async () => {
  const { clock, store, lockOf } = createProcesses()
  const { own, freeze } = freezable(store)
  void lockOf(own).run('session', openTask().task, { patience })
  await clock.settle()
  freeze()
  const next = openTask()
  void lockOf().run('session', next.task, { patience })
  await clock.advance(4_900)
  expect(next.hasBegun()).toBe(false)
  await clock.advance(200)
  expect(next.hasBegun()).toBe(true)
})

test('a holder that was stopped and woken knows that it may have lost the lock', async () => {
  const { clock, store, lockOf } = createProcesses()
  const { own, freeze, wake } = freezable(store)
  const stopped = openTask()
  void lockOf(own).run('session', stopped.task, { patience })
  await clock.settle()
  freeze()
  await clock.advance(3_500)
  expect(stopped.lost()).toBe(false)
  await clock.advance(1)
  expect(stopped.lost()).toBe(true)
  const next = openTask()
  void lockOf().run('session', next.task, { patience })
  await clock.advance(5_000)
  wake()
  // It is told no by the store now, and cannot let go of what is not its own.
  stopped.end()
  await clock.advance(5_000)
  expect(stopped.lost()).toBe(true)
  const third = openTask()
  void lockOf().run('session', third.task, { patience })
  await clock.advance(1_000)
  expect([next.hasBegun(), next.lost(), third.hasBegun()]).toEqual([true, false, false])
})

test('a renewal that is refused is a lock that is lost', async () => {
  const { clock, store, lockOf } = createProcesses()
  const holder = openTask()
  void lockOf().run('session', holder.task, { patience })
  await clock.settle()
  await store.remove('lock|session')
  expect(holder.lost()).toBe(false)
  await clock.advance(1_600)
  expect(holder.lost()).toBe(true)
})

test('the age of a lease is counted from before it was asked for', async () => {
  const { clock, lockOf } = createProcesses((memory) => ({
    async add(key, value, options) {
      const added = await memory.add(key, value, options)
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 3_600))
      return added
    },
  }))
  const holder = openTask()
  void lockOf().run('session', holder.task, { patience })
  await clock.advance(3_600)
  expect(holder.lost()).toBe(true)
})

test('a renewal that fails is tried again while some of the lease is left', async () => {
  let isDown = false
  const { clock, lockOf } = createProcesses((memory) => ({
    swap: (key, change) =>
      isDown ? Promise.reject(new Error('connection refused')) : memory.swap(key, change),
  }))
  const holder = openTask()
  void lockOf().run('session', holder.task, { patience })
  await clock.settle()
  isDown = true
  await clock.advance(1_700)
  isDown = false
  await clock.advance(4_000)
  expect(holder.lost()).toBe(false)
  isDown = true
  await clock.advance(4_000)
  expect(holder.lost()).toBe(true)
})

test('a wall clock that is set back does not hide that the lease is over (A-55)', async () => {
  const { clock, setClock, store, lockOf } = createProcesses()
  const { own, freeze } = freezable(store)
  const holder = openTask()
  void lockOf(own).run('session', holder.task, { patience })
  await clock.settle()
  freeze()
  setClock(-3_600_000)
  await clock.advance(3_501)
  expect(holder.lost()).toBe(true)
})

test('a machine that slept, whose monotonic clock stood still, does not believe in its lease', async () => {
  const { clock, setClock, lockOf } = createProcesses()
  const holder = openTask()
  void lockOf().run('session', holder.task, { patience })
  await clock.settle()
  setClock(3_600_000)
  expect(holder.lost()).toBe(true)
})

test('whoever has waited too long gives up, and does not run the task later', async () => {
  const { clock, memory, lockOf } = createProcesses()
  const holder = openTask()
  void lockOf().run('session', holder.task, { patience })
  await clock.settle()
  const waiter = openTask()
  const waiting = lockOf().run('session', waiter.task, { patience: 2_000 })
  const refused = expect(waiting).rejects.toMatchObject({
    code: 'timeout',
    retryable: true,
    message: 'Another request has been refreshing this session for 2000 ms. Try again.',
  })
  await clock.advance(2_000)
  await refused
  holder.end()
  await clock.advance(1_000)
  expect(waiter.hasBegun()).toBe(false)
  expect(await memory.get('lock|session')).toBeUndefined()
  expect(await lockOf().run('session', async () => 'ran', { patience })).toBe('ran')
})

test('whoever gives up lets go of a lock that comes after all', async () => {
  const { clock, lockOf, memory } = createProcesses((memory) => ({
    async add(key, value, options) {
      const added = await memory.add(key, value, options)
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 3_000))
      return added
    },
  }))
  const waiting = lockOf().run('session', openTask().task, { patience: 2_000 })
  const refused = expect(waiting).rejects.toMatchObject({ code: 'timeout' })
  await clock.advance(2_000)
  await refused
  expect(await memory.get('lock|session')).toBeUndefined()
})

test('a task that takes longer than anybody is patient loses the lock', async () => {
  const { clock, lockOf } = createProcesses()
  const stuck = openTask()
  void lockOf().run('session', stuck.task, { patience })
  await clock.advance(patience + 2_000)
  expect(stuck.lost()).toBe(false)
  await clock.advance(3_000)
  expect(stuck.lost()).toBe(true)
  expect(await lockOf().run('session', async () => 'ran', { patience })).toBe('ran')
})

test('a store that fails is storage_unavailable, with what it threw, and no task runs', async () => {
  const reason = new Error('connection refused')
  const { lockOf } = createProcesses(() => ({
    add: () => Promise.reject(reason),
    remove: () => Promise.reject(reason),
  }))
  const task = openTask()
  await expect(lockOf().run('session', task.task, { patience })).rejects.toMatchObject({
    code: 'storage_unavailable',
    retryable: true,
    cause: reason,
  })
  expect(task.hasBegun()).toBe(false)
})

test('a store that cannot let go costs the caller nothing', async () => {
  const { lockOf } = createProcesses(() => ({ remove: () => Promise.reject(new Error('gone')) }))
  expect(await lockOf().run('session', async () => 'ran', { patience })).toBe('ran')
})
