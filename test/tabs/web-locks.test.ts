import { describe, expect, test, vi } from 'vitest'
import { orLocal } from '../../src/tabs/or-local.ts'
import { webLocks } from '../../src/tabs/web-locks.ts'
import type { Lock } from '../../src/tabs/lock.ts'
import { hold, lockContract } from '../contracts/lock.ts'
import { fakeLockManagers } from './fake-lock-manager.ts'

/** A lock of a tab: while it asks, the global `navigator.locks` is the tab's. */
function lockOfTab(locks: unknown): Lock {
  const lock = webLocks()
  return {
    request(...asked) {
      vi.stubGlobal('navigator', { locks })
      return lock.request(...asked)
    },
  }
}

lockContract('webLocks', () => {
  const [one, other] = fakeLockManagers(2)
  return { one: lockOfTab(one), other: lockOfTab(other) }
})

describe('webLocks', () => {
  test('holds the lock of the platform', async () => {
    const [locks, elsewhere] = fakeLockManagers(2)
    const held = await hold(lockOfTab(locks), 'a')
    let ran = false
    const waiting = elsewhere!.request('a', {}, async () => {
      ran = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(ran).toBe(false)
    held.release()
    await waiting
  })

  test('looks for the platform when asked, not when made', async () => {
    vi.stubGlobal('navigator', undefined)
    const lock = webLocks()
    const request = vi.fn(async (...asked: [string, object, () => Promise<unknown>]) => asked[2]())
    vi.stubGlobal('navigator', { locks: { request } })
    await lock.request('a', {}, async () => undefined)
    expect(request).toHaveBeenCalledOnce()
  })

  test('does not run a task again that itself failed with a SecurityError', async () => {
    const [locks] = fakeLockManagers(1)
    const task = vi.fn(async () => {
      throw new DOMException('of the task', 'SecurityError')
    })
    await expect(lockOfTab(locks).request('a', {}, task)).rejects.toThrow('of the task')
    expect(task).toHaveBeenCalledOnce()
  })
})

const lacking: [string, unknown][] = [
  ['there is no navigator', undefined],
  ['navigator has no locks', {}],
  ['navigator.locks is null', { locks: null }],
  ['navigator.locks has no request', { locks: {} }],
]

describe.each(lacking)('where %s', (_, navigator) => {
  lockContract('a lock within the page', () => {
    const lock = orLocal(webLocks())
    vi.stubGlobal('navigator', navigator)
    return { one: lock, other: lock }
  })
})
