import { describe, expect, test } from 'vitest'
import type { Lock } from '../../src/tabs/lock.ts'

export interface LockPair {
  /** Two ways to the same locks: of two tabs, where the lock reaches that far. */
  one: Lock
  other: Lock
}

/** What every lock does; `make` gives locks that nobody holds. */
export function lockContract(name: string, make: () => LockPair) {
  describe(`${name} keeps the contract of a lock`, () => {
    describe('one task', () => {
      test('gives what the task gives', async () => {
        const { one } = make()
        expect(await one.request('a', {}, async () => 'result')).toBe('result')
      })

      test('rejects with what the task rejects with', async () => {
        const { one } = make()
        const reason = new Error('task')
        await expect(one.request('a', {}, () => Promise.reject(reason))).rejects.toBe(reason)
      })

      test('rejects with what the task throws', async () => {
        const { one } = make()
        const reason = new Error('task')
        const task = () => {
          throw reason
        }
        await expect(one.request('a', {}, task)).rejects.toBe(reason)
      })

      test('does not begin before request has returned', async () => {
        const { one } = make()
        const order: string[] = []
        const done = one.request('a', {}, async () => void order.push('task'))
        order.push('returned')
        await done
        expect(order).toEqual(['returned', 'task'])
      })
    })

    describe('waiting', () => {
      test('runs one task at a time, in the order asked', async () => {
        const { one, other } = make()
        const order: string[] = []
        const step = (label: string) => async () => {
          order.push(`${label} begins`)
          await nextTurn()
          order.push(`${label} ends`)
        }
        await Promise.all([
          one.request('a', {}, step('first')),
          other.request('a', {}, step('second')),
          one.request('a', {}, step('third')),
        ])
        expect(order).toEqual([
          'first begins',
          'first ends',
          'second begins',
          'second ends',
          'third begins',
          'third ends',
        ])
      })

      test('lets tasks of different names run side by side', async () => {
        const { one, other } = make()
        const held = await hold(one, 'a')
        expect(await other.request('b', {}, async () => 'ran')).toBe('ran')
        held.release()
      })

      test('lets the next one in after a task failed', async () => {
        const { one, other } = make()
        const failed = one.request('a', {}, () => Promise.reject(new Error('task')))
        const next = other.request('a', {}, async () => 'ran')
        await expect(failed).rejects.toThrow('task')
        expect(await next).toBe('ran')
      })

      test('is free again once all are done', async () => {
        const { one, other } = make()
        await Promise.all([one.request('a', {}, nextTurn), other.request('a', {}, nextTurn)])
        expect(await one.request('a', {}, async () => 'ran')).toBe('ran')
      })
    })

    describe('steal', () => {
      test('begins while another task still holds the lock', async () => {
        const { one, other } = make()
        const held = await hold(one, 'a')
        expect(await other.request('a', { steal: true }, async () => 'ran')).toBe('ran')
        held.release()
      })

      test('makes the request of the former holder reject', async () => {
        const { one, other } = make()
        const held = await hold(one, 'a')
        await other.request('a', { steal: true }, nextTurn)
        await expect(held.request).rejects.toMatchObject({ name: 'AbortError' })
      })

      test('lets the task of the former holder run on', async () => {
        const { one, other } = make()
        const held = await hold(one, 'a')
        await other.request('a', { steal: true }, nextTurn)
        held.release()
        expect(await held.end).toBe('ran to its end')
      })

      test('goes ahead of everyone who waits, and they come after', async () => {
        const { one, other } = make()
        await hold(one, 'a')
        const order: string[] = []
        const waiting = one.request('a', {}, async () => void order.push('waiting'))
        const stolen = other.request('a', { steal: true }, async () => {
          await nextTurn()
          order.push('stolen')
        })
        await Promise.all([waiting, stolen])
        expect(order).toEqual(['stolen', 'waiting'])
      })

      test('keeps the lock when the task of the former holder ends', async () => {
        const { one, other } = make()
        const former = await hold(one, 'a')
        const thief = await hold(other, 'a', { steal: true })
        const order: string[] = []
        const waiting = one.request('a', {}, async () => void order.push('waiting'))
        former.release()
        await former.end
        await nextTurn()
        order.push('released')
        thief.release()
        await waiting
        expect(order).toEqual(['released', 'waiting'])
      })

      test('takes a lock that nobody holds', async () => {
        const { one } = make()
        expect(await one.request('a', { steal: true }, async () => 'ran')).toBe('ran')
      })
    })

    describe('signal', () => {
      test('gives up waiting with the reason of the signal', async () => {
        const { one, other } = make()
        const held = await hold(one, 'a')
        const controller = new AbortController()
        const reason = new Error('gave up')
        const waiting = other.request('a', { signal: controller.signal }, async () => 'ran')
        controller.abort(reason)
        await expect(waiting).rejects.toBe(reason)
        held.release()
      })

      test('never runs the task of one who gave up', async () => {
        const { one, other } = make()
        const held = await hold(one, 'a')
        const controller = new AbortController()
        let ran = false
        const waiting = other.request('a', { signal: controller.signal }, async () => {
          ran = true
        })
        controller.abort()
        await expect(waiting).rejects.toThrow()
        held.release()
        await one.request('a', {}, nextTurn)
        expect(ran).toBe(false)
      })

      test('leaves the holder and those behind in the queue alone', async () => {
        const { one, other } = make()
        const held = await hold(one, 'a')
        const controller = new AbortController()
        const gaveUp = other.request('a', { signal: controller.signal }, nextTurn)
        const behind = other.request('a', {}, async () => 'ran')
        controller.abort()
        await expect(gaveUp).rejects.toThrow()
        held.release()
        expect(await behind).toBe('ran')
        await held.request
      })

      test('does not begin a task again when others give up waiting for it', async () => {
        const { one, other } = make()
        const held = await hold(one, 'a')
        const controller = new AbortController()
        const gaveUp = other.request('a', { signal: controller.signal }, nextTurn)
        controller.abort()
        await expect(gaveUp).rejects.toThrow()
        await nextTurn()
        expect(held.beginnings()).toBe(1)
        held.release()
      })

      test('refuses when aborted before asking', async () => {
        const { one } = make()
        const reason = new Error('too late')
        let ran = false
        const task = async () => {
          ran = true
        }
        const request = one.request('a', { signal: AbortSignal.abort(reason) }, task)
        await expect(request).rejects.toBe(reason)
        expect(ran).toBe(false)
      })

      test('does not begin when aborted before the task could', async () => {
        const { one, other } = make()
        const controller = new AbortController()
        let ran = false
        const request = one.request('a', { signal: controller.signal }, async () => {
          ran = true
        })
        const reason = new Error('changed my mind')
        controller.abort(reason)
        await expect(request).rejects.toBe(reason)
        await other.request('a', {}, nextTurn)
        expect(ran).toBe(false)
      })

      test('is free for others after a refusal', async () => {
        const { one, other } = make()
        const refused = one.request('a', { signal: AbortSignal.abort() }, nextTurn)
        await expect(refused).rejects.toThrow()
        expect(await other.request('a', {}, async () => 'ran')).toBe('ran')
      })

      test('does not interrupt a task that has begun', async () => {
        const { one } = make()
        const controller = new AbortController()
        const held = await hold(one, 'a', { signal: controller.signal })
        controller.abort()
        held.release()
        await held.request
        expect(await held.end).toBe('ran to its end')
      })

      test('does not let go of the lock when aborted during the task', async () => {
        const { one, other } = make()
        const controller = new AbortController()
        const held = await hold(one, 'a', { signal: controller.signal })
        const order: string[] = []
        const waiting = other.request('a', {}, async () => void order.push('waiting'))
        controller.abort()
        await nextTurn()
        order.push('released')
        held.release()
        await waiting
        expect(order).toEqual(['released', 'waiting'])
      })
    })
  })
}

/** Holds a lock until released; comes back once the task has begun. */
export async function hold(
  ...[lock, name, options = {}]: [Lock, string, { steal?: boolean; signal?: AbortSignal }?]
) {
  let release = () => {}
  let end = Promise.resolve('not begun')
  let begun = () => {}
  let beginnings = 0
  const beginning = new Promise<void>((resolve) => (begun = resolve))
  const request = lock.request(name, options, () => {
    begun()
    beginnings += 1
    end = new Promise<void>((resolve) => (release = resolve)).then(() => 'ran to its end')
    return end
  })
  // A test that does not look at the request has not lost an error by it.
  request.catch(() => {})
  await beginning
  return { request, release, end, beginnings: () => beginnings }
}

/** Lets everything happen that needs no time. */
export async function nextTurn(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
