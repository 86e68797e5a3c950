import { describe, expect, test } from 'vitest'
import { memorySessions } from '../../src/server/store/memory.ts'
import { withFallback } from '../../src/server/store/with-fallback.ts'
import { createFakeClock } from '../../src/testing/index.ts'
import { nextTurn } from '../contracts/lock.ts'
import { createOutageWorld as createWorld, hour, lasting } from '../support/outages.ts'
import type { SessionStore } from '../../src/server/store/session-store.ts'

describe('what happened while the store failed, and was never asked of it', () => {
  test('a session that was refreshed meanwhile has its new tokens in the store later, and its time', async () => {
    const { clock, sessions, other, fail, notice, recover } = createWorld()
    await sessions.add('session|1', 'first', lasting)
    fail()
    await notice()
    await clock.advance(60_000)
    expect(await sessions.swap('session|1', { seen: 'first', value: 'next', ...lasting })).toBe(
      true,
    )
    await clock.advance(60_000)
    await recover()
    expect(await other().get('session|1')).toBe('next')
    await clock.advance(hour - 62_000)
    expect(await other().get('session|1')).toBe('next')
    await clock.advance(2_000)
    expect(await other().get('session|1')).toBeUndefined()
  })

  test('of two processes that add the same key, the one that the store knows has it', async () => {
    const { sessions, other, fail, notice, recover } = createWorld()
    fail()
    await notice()
    expect(await sessions.add('tx|1', 'ours', lasting)).toBe(true)
    await other().add('tx|1', 'theirs', lasting)
    await recover()
    expect(await other().get('tx|1')).toBe('theirs')
    fail()
    await expect(sessions.get('tx|1')).rejects.toThrow('connection refused')
  })

  test('nothing is said of a key that this process has not seen, and nothing done to it', async () => {
    const { sessions, other, fail, notice, recover } = createWorld()
    await other().add('session|1', 'first', lasting)
    await other().add('tx|1', 'theirs', lasting)
    fail()
    await notice()
    const swap = { seen: 'first', value: 'next', ...lasting }
    await expect(sessions.swap('session|1', swap)).rejects.toThrow('connection refused')
    await expect(sessions.remove('tx|1', 'ours')).rejects.toThrow('connection refused')
    await expect(sessions.find('sub')).rejects.toThrow('connection refused')
    await recover()
    expect(await other().get('session|1')).toBe('first')
    expect(await other().get('tx|1')).toBe('theirs')
  })

  test('what was removed stays so, whatever is done to it', async () => {
    const { sessions, other, fail, notice, recover } = createWorld()
    await sessions.add('session|1', 'first', lasting)
    fail()
    await notice()
    await sessions.remove('session|1')
    await sessions.touch('session|1', hour)
    expect(await sessions.swap('session|1', { seen: 'first', value: 'next', ...lasting })).toBe(
      false,
    )
    expect(await sessions.get('session|1')).toBeUndefined()
    await recover()
    expect(await other().get('session|1')).toBeUndefined()
  })

  test('what was added and removed, or ended by its time, never gets into the store', async () => {
    const { clock, sessions, other, fail, notice, recover } = createWorld()
    fail()
    await notice()
    await sessions.add('tx|1', 'value', lasting)
    await sessions.remove('tx|1', 'value')
    await sessions.add('tx|2', 'value', { ttl: 30_000 })
    await clock.advance(60_000)
    const added: string[] = []
    const { add } = other()
    other().add = (key, ...rest) => {
      added.push(key)
      return add(key, ...rest)
    }
    await recover()
    expect(added).toEqual([])
  })

  test('what this process has removed, it does not find when the store fails later', async () => {
    const { sessions, other, fail, notice } = createWorld()
    await sessions.add('tx|1', 'value', lasting)
    await sessions.add('tx|2', 'value', lasting)
    await sessions.remove('tx|1')
    await sessions.remove('tx|2', 'other')
    await other().add('tx|1', 'value', lasting)
    fail()
    await notice()
    expect(await sessions.get('tx|1')).toBeUndefined()
    await expect(sessions.get('tx|2')).rejects.toThrow('connection refused')
  })

  test('an ending wins over what another process writes at the same moment, and is tried ten times', async () => {
    const { sessions, other, fail, notice, recover } = createWorld()
    await sessions.add('session|1', 'first', lasting)
    fail()
    await notice()
    const over = { seen: 'first', value: 'over', ttl: hour, final: true }
    await sessions.swap('session|1', over)
    const { get, swap } = other()
    let races = 0
    other().get = async (key) => {
      const found = await get(key)
      if (key !== 'session|1' || found === undefined) return found
      races += 1
      await swap(key, { seen: found, value: `refreshed ${races}`, ...lasting })
      return found
    }
    await recover()
    expect(races).toBe(10)
    expect(await get('session|1')).toBeUndefined()
  })
})

test('names are found in the store, and why a store failed is told', async () => {
  const clock = createFakeClock(undefined, { settle: nextTurn })
  const memory = memorySessions({ clock })
  let isSilent = false
  const get: SessionStore['get'] = (key) => (isSilent ? new Promise(() => {}) : memory.get(key))
  const sessions = withFallback({ ...memory, get }, { clock })
  const heard: unknown[] = []
  sessions.listen!((event) => heard.push(event))
  await sessions.add('session|1', 'value', { ...lasting, index: { names: ['ada'], ttl: hour } })
  expect(await sessions.find('ada')).toEqual(['session|1'])
  isSilent = true
  const late = sessions.get('session|2')
  const refused = expect(late).rejects.toThrow(
    'The store of sessions did not answer within two seconds.',
  )
  await clock.advance(2_000)
  await refused
  expect(heard).toEqual([
    {
      type: 'storage-failed',
      error: expect.objectContaining({
        message: 'The store of sessions did not answer within two seconds.',
      }) as Error,
    },
  ])
})
