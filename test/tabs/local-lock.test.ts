import { expect, test } from 'vitest'
import { localLock } from '../../src/tabs/local-lock.ts'
import { hold, lockContract } from '../contracts/lock.ts'

lockContract('localLock', () => {
  const lock = localLock()
  return { one: lock, other: lock }
})

test('two local locks know nothing of each other', async () => {
  const held = await hold(localLock(), 'a')
  expect(await localLock().request('a', {}, async () => 'ran')).toBe('ran')
  held.release()
})

test('a local lock listens to a signal only while it waits', async () => {
  const lock = localLock()
  const { signal } = new AbortController()
  const listening = new Set<unknown>()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...[type, listener]: Parameters<typeof add>) => {
    listening.add(listener)
    add(type, listener)
  }
  signal.removeEventListener = (...[type, listener]: Parameters<typeof remove>) => {
    listening.delete(listener)
    remove(type, listener)
  }

  const held = await hold(lock, 'a')
  const waiting = lock.request('a', { signal }, async () => listening.size)
  expect(listening.size).toBe(1)
  held.release()
  expect(await waiting).toBe(0)
})
