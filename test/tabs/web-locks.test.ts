import { describe, expect, test, vi } from 'vitest'
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

lockContract('webLocks without navigator.locks', () => {
  const lock = lockOfTab(null)
  return { one: lock, other: lock }
})

const deniedLocks = {
  request: async () => {
    throw new DOMException('Access is denied in this context.', 'SecurityError')
  },
}

lockContract('webLocks in an opaque origin', () => {
  const lock = lockOfTab(deniedLocks)
  return { one: lock, other: lock }
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

  test.each([
    ['there is no navigator', undefined],
    ['navigator has no locks', {}],
    ['navigator.locks has no request', { locks: {} }],
  ])('runs the task where %s', async (_, navigator) => {
    vi.stubGlobal('navigator', navigator)
    expect(await webLocks().request('a', {}, async () => 'ran')).toBe('ran')
  })

  test('does not run a task again that itself failed with a SecurityError', async () => {
    const [locks] = fakeLockManagers(1)
    const task = vi.fn(async () => {
      throw new DOMException('of the task', 'SecurityError')
    })
    await expect(lockOfTab(locks).request('a', {}, task)).rejects.toThrow('of the task')
    expect(task).toHaveBeenCalledOnce()
  })

  test('does not run without the lock when the platform refuses for another reason', async () => {
    const [locks] = fakeLockManagers(1)
    const task = vi.fn(async () => undefined)
    const request = lockOfTab(locks).request('-reserved', {}, task)
    await expect(request).rejects.toMatchObject({ name: 'NotSupportedError' })
    expect(task).not.toHaveBeenCalled()
  })
})
