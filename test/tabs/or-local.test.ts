import { describe, expect, test, vi } from 'vitest'
import { orLocal } from '../../src/tabs/or-local.ts'
import { createFakeLocks } from '../../src/testing/fakes/locks.ts'
import { createFakePage } from '../../src/testing/fakes/page.ts'
import type { Lock } from '../../src/tabs/lock.ts'
import { hold, lockContract, nextTurn } from '../contracts/lock.ts'

const refuse = (reason: unknown): Lock => ({ request: () => Promise.reject(reason) })

const refusals: [string, Lock][] = [
  ['a SecurityError', refuse(new DOMException('Access is denied.', 'SecurityError'))],
  ['an InvalidStateError', refuse(new DOMException('Not fully active.', 'InvalidStateError'))],
  ['an AbortError', refuse(new DOMException('Aborted.', 'AbortError'))],
  ['any error', refuse(new Error('out of order'))],
  ['undefined', refuse(undefined)],
  [
    'an exception',
    {
      request() {
        throw new TypeError('request is not what it was')
      },
    },
  ],
]

describe.each(refusals)('where the lock refuses with %s (E10)', (_, refused) => {
  lockContract('a lock within the page', () => ({
    one: orLocal(refused),
    other: orLocal(refused),
  }))
})

describe('where the lock works', () => {
  const pages = () => {
    const locks = createFakeLocks()
    return [1, 2].map(() => orLocal(locks.of(createFakePage('https://app.example.com/'))))
  }

  lockContract('it is that one', () => {
    const [one, other] = pages()
    return { one: one!, other: other! }
  })

  test('a task that fails by itself is not run again (E10)', async () => {
    const [lock] = pages()
    const task = vi.fn(() => Promise.reject(new DOMException('of the task', 'SecurityError')))
    await expect(lock!.request('a', {}, task)).rejects.toThrow('of the task')
    expect(task).toHaveBeenCalledOnce()
  })

  test('a lock that is stolen before the task begins is waited for again (E10)', async () => {
    const [one, other] = pages()
    let again = false
    let ran = false
    const lock = orLocal({
      request(name, options, task) {
        if (again) return one!.request(name, options, task)
        again = true
        return Promise.reject(new DOMException('The lock was stolen.', 'AbortError'))
      },
    })
    const held = await hold(other!, 'a')
    const waiting = lock.request('a', {}, async () => void (ran = true))
    await nextTurn()
    expect(ran).toBe(false)
    held.release()
    await waiting
    expect(ran).toBe(true)
  })
})
