import { describe, expect, test } from 'vitest'
import { memorySessions } from '../../src/server/store/memory.ts'
import { withFallback } from '../../src/server/store/with-fallback.ts'
import { nextTurn } from '../contracts/lock.ts'
import { sessionStoreContract } from '../contracts/session-store.ts'
import { createOutageWorld as createWorld, hour, lasting } from '../support/outages.ts'

sessionStoreContract('withFallback over a store that works', () => withFallback(memorySessions()))

describe('withFallback, while the store fails,', () => {
  test('gives what this process has seen, and is silent about what it has not', async () => {
    const { sessions, other, fail } = createWorld()
    await sessions.add('session|written', 'value', lasting)
    await other().add('session|read', 'value', lasting)
    await other().add('session|unseen', 'value', lasting)
    await sessions.get('session|read')
    fail()
    expect(await sessions.get('session|written')).toBe('value')
    expect(await sessions.get('session|read')).toBe('value')
    await expect(sessions.get('session|unseen')).rejects.toThrow('connection refused')
  })

  test('takes new sign-ins, which are in the store later', async () => {
    const { sessions, other, fail, recover } = createWorld()
    fail()
    expect(await sessions.add('session|new', 'first', lasting)).toBe(true)
    expect(await sessions.add('session|new', 'again', lasting)).toBe(false)
    expect(await sessions.swap('session|new', { seen: 'first', value: 'next', ...lasting })).toBe(
      true,
    )
    expect(await sessions.get('session|new')).toBe('next')
    await recover()
    expect(await other().get('session|new')).toBe('next')
  })

  test('new sign-ins are found by their names later, and nobody is told that there are none now', async () => {
    const { sessions, other, fail, recover } = createWorld()
    fail()
    await sessions.add('session|new', 'value', { ...lasting, index: { names: ['sub'], ttl: hour } })
    await expect(sessions.find('sub')).rejects.toThrow('connection refused')
    await recover()
    expect(await other().find('sub')).toEqual(['session|new'])
  })

  test('a session that ended here ends in the store, even if another process has refreshed it', async () => {
    const { sessions, other, fail, recover } = createWorld()
    await sessions.add('session|1', 'first', lasting)
    fail()
    await sessions.swap('session|1', { seen: 'first', value: 'over', ttl: hour, final: true })
    await other().swap('session|1', { seen: 'first', value: 'refreshed', ...lasting })
    expect(await sessions.get('session|1')).toBe('over')
    await recover()
    expect(await other().get('session|1')).toBe('over')
  })

  test('an ending counts for a session that this process has not seen', async () => {
    const { sessions, other, fail, recover } = createWorld()
    await other().add('session|1', 'value', lasting)
    await other().add('session|2', 'value', lasting)
    fail()
    const over = { seen: 'older', value: 'over', ttl: hour, final: true }
    expect(await sessions.swap('session|1', over)).toBe(true)
    await sessions.remove('session|2')
    await recover()
    expect(await other().get('session|1')).toBe('over')
    expect(await other().get('session|2')).toBeUndefined()
  })

  test('an ending leaves its mark where the store has lost the session, so that nothing late brings it back', async () => {
    const { sessions, other, fail, loseData, recover } = createWorld()
    await sessions.add('session|1', 'value', lasting)
    fail()
    await sessions.swap('session|1', { seen: 'value', value: 'over', ttl: hour, final: true })
    loseData()
    await recover()
    expect(await other().add('session|1', 'value', lasting)).toBe(false)
  })

  test('what another process wrote later wins over what was changed here', async () => {
    const { sessions, other, fail, recover } = createWorld()
    await sessions.add('session|1', 'first', lasting)
    fail()
    await sessions.swap('session|1', { seen: 'first', value: 'ours', ...lasting })
    await other().swap('session|1', { seen: 'first', value: 'theirs', ...lasting })
    await recover()
    expect(await sessions.get('session|1')).toBe('theirs')
    expect(await other().get('session|1')).toBe('theirs')
  })

  test('what another process has removed is not created again', async () => {
    const { sessions, other, fail, recover } = createWorld()
    await sessions.add('session|1', 'first', lasting)
    fail()
    await sessions.swap('session|1', { seen: 'first', value: 'next', ...lasting })
    await other().remove('session|1')
    await recover()
    expect(await sessions.get('session|1')).toBeUndefined()
  })

  test('what was removed and added again is in the store as it was added', async () => {
    const { sessions, other, fail, recover } = createWorld()
    await sessions.add('account|1', 'first', lasting)
    fail()
    await sessions.remove('account|1')
    expect(await sessions.get('account|1')).toBeUndefined()
    expect(await sessions.add('account|1', 'second', lasting)).toBe(true)
    await other().swap('account|1', { seen: 'first', value: 'theirs', ...lasting })
    await recover()
    expect(await other().get('account|1')).toBe('second')
  })

  test('removes only what was seen', async () => {
    const { sessions, fail } = createWorld()
    await sessions.add('tx|1', 'mine', lasting)
    fail()
    await sessions.remove('tx|1', 'yours')
    expect(await sessions.get('tx|1')).toBe('mine')
    await sessions.remove('tx|1', 'mine')
    expect(await sessions.get('tx|1')).toBeUndefined()
  })

  test('an idle session ends in time, and one that is used lives on in the store as well', async () => {
    const { clock, sessions, other, fail, recover } = createWorld()
    await sessions.add('session|idle', 'value', lasting)
    await sessions.add('session|used', 'value', lasting)
    fail()
    await clock.advance(hour - 2_000)
    await sessions.touch('session|used', hour)
    await sessions.touch('session|unseen', hour)
    await recover()
    await clock.advance(2_000)
    expect(await sessions.get('session|idle')).toBeUndefined()
    expect(await other().get('session|used')).toBe('value')
  })

  test('a value whose time this process does not know counts for a minute', async () => {
    const { clock, sessions, other, fail } = createWorld()
    await other().add('session|read', 'value', lasting)
    await other().add('session|used', 'value', lasting)
    await sessions.get('session|read')
    await Promise.all([sessions.touch('session|used', hour), sessions.get('session|used')])
    fail()
    await clock.advance(61_000)
    expect(await sessions.get('session|read')).toBeUndefined()
    expect(await sessions.get('session|used')).toBe('value')
  })

  test('a read that comes back late does not hide that the session has ended', async () => {
    const { sessions, fail, holdAnswers } = createWorld()
    await sessions.add('session|1', 'first', lasting)
    const held = holdAnswers()
    const early = sessions.get('session|1')
    await nextTurn()
    held.next()
    await sessions.swap('session|1', { seen: 'first', value: 'over', ttl: hour, final: true })
    held.release()
    expect(await early).toBe('first')
    fail()
    expect(await sessions.get('session|1')).toBe('over')
  })

  test('a read that comes back when the session has ended here gives what is here', async () => {
    const { sessions, fail, holdAnswers } = createWorld()
    await sessions.add('session|1', 'first', lasting)
    const held = holdAnswers()
    const early = sessions.get('session|1')
    await nextTurn()
    held.next()
    fail()
    await sessions.swap('session|1', { seen: 'first', value: 'over', ttl: hour, final: true })
    fail('open')
    held.release()
    expect(await early).toBe('over')
  })

  test('of two changes, one that the store took and one that was made here, the last one is in the store later', async () => {
    const { sessions, other, fail, holdAnswers, recover } = createWorld()
    await sessions.add('session|1', 'first', lasting)
    const held = holdAnswers()
    const early = sessions.swap('session|1', { seen: 'first', value: 'there', ...lasting })
    await nextTurn()
    held.next()
    fail()
    await sessions.swap('session|1', { seen: 'first', value: 'here', ...lasting })
    fail('open')
    held.release()
    await early
    await recover()
    expect(await other().get('session|1')).toBe('here')
  })
})

describe('locks', () => {
  test('nobody has one while the store fails, and none is remembered', async () => {
    const { sessions, fail } = createWorld()
    await sessions.add('lock|1', 'me', { ttl: 5_000 })
    fail()
    const renewal = { seen: 'me', value: 'me', ttl: 5_000 }
    await expect(sessions.swap('lock|1', renewal)).rejects.toThrow('connection refused')
    await expect(sessions.add('lock|2', 'me', { ttl: 5_000 })).rejects.toThrow('connection refused')
    await expect(sessions.get('lock|1')).rejects.toThrow('connection refused')
    await expect(sessions.remove('lock|1', 'me')).rejects.toThrow('connection refused')
  })

  test('a process that is alone has its own, with the store or without', async () => {
    const { sessions, other, fail } = createWorld({ alone: true })
    expect(await sessions.add('lock|1', 'me', { ttl: 5_000 })).toBe(true)
    fail()
    expect(await sessions.add('lock|1', 'you', { ttl: 5_000 })).toBe(false)
    expect(await sessions.swap('lock|1', { seen: 'me', value: 'me', ttl: 5_000 })).toBe(true)
    await sessions.remove('lock|1', 'me')
    expect(await sessions.add('lock|1', 'you', { ttl: 5_000 })).toBe(true)
    expect(await other().get('lock|1')).toBeUndefined()
  })
})

test('a process that is alone gives the store back what that has lost', async () => {
  const { sessions, other, fail, loseData, recover } = createWorld({ alone: true })
  await sessions.add('session|1', 'first', lasting)
  fail()
  await sessions.swap('session|1', { seen: 'first', value: 'refreshed', ...lasting })
  loseData()
  await recover()
  expect(await other().get('session|1')).toBe('refreshed')
})

test('a store that does not answer fails after two seconds, once for all', async () => {
  const { clock, sessions, fail, events, calls } = createWorld()
  await sessions.add('session|1', 'value', lasting)
  fail('silent')
  const reading = sessions.get('session|1')
  await clock.advance(1_999)
  expect(events).toEqual([])
  await clock.advance(1)
  expect(await reading).toBe('value')
  const before = calls()
  expect(await sessions.get('session|1')).toBe('value')
  expect(calls()).toBe(before)
  expect(events).toEqual(['storage-failed'])
})

describe.each([
  ['an added value', 'add'],
  ['a swap', 'swap'],
  ['an ending', 'end'],
] as const)('%s whose answer was lost', (_, what) => {
  test('is in the store, with what was changed afterwards', async () => {
    const { sessions, other, fail, recover } = createWorld()
    if (what !== 'add') await sessions.add('session|1', 'first', lasting)
    fail('answer lost')
    if (what === 'add') await sessions.add('session|1', 'next', lasting)
    else
      await sessions.swap('session|1', {
        ...{ seen: 'first', value: 'next', ...lasting },
        final: what === 'end',
      })
    expect(await other().get('session|1')).toBe('next')
    fail()
    await sessions.swap('session|1', { seen: 'next', value: 'last', ...lasting })
    await recover()
    expect(await other().get('session|1')).toBe('last')
  })
})

describe('events', () => {
  test('tell of the failure once, and of the end of it once everything is in the store', async () => {
    const { clock, sessions, events, fail, recover } = createWorld()
    fail()
    await sessions.add('session|1', 'value', lasting)
    await sessions.add('session|2', 'value', lasting)
    await clock.advance(30_000)
    expect(events).toEqual(['storage-failed'])
    await recover()
    expect(events).toEqual(['storage-failed', 'storage-recovered'])
    expect(clock.timers).toBe(0)
  })

  test('no timer is left when there is nothing to save: the next call tries the store again', async () => {
    const { clock, sessions, events, fail } = createWorld()
    await sessions.add('session|1', 'value', lasting)
    fail()
    await sessions.get('session|1')
    await clock.advance(1_000)
    expect(clock.timers).toBe(0)
    fail('open')
    await sessions.get('session|1')
    await clock.advance(1_000)
    expect(events).toEqual(['storage-failed', 'storage-recovered'])
  })

  test('a store that takes reads and no writes has not recovered', async () => {
    const { clock, sessions, events, fail, other } = createWorld()
    fail()
    await sessions.add('session|1', 'value', lasting)
    const add = other().add
    other().add = () => Promise.reject(new Error('READONLY'))
    fail('open')
    await clock.advance(5_000)
    expect(events).toEqual(['storage-failed'])
    expect(await sessions.get('session|1')).toBe('value')
    other().add = add
    await clock.advance(1_000)
    expect(await other().get('session|1')).toBe('value')
    expect(events).toEqual(['storage-failed', 'storage-recovered'])
  })
})

test('what changes while the changes are saved is saved as well', async () => {
  const { clock, sessions, other, fail, notice } = createWorld()
  fail()
  await notice()
  await sessions.add('session|1', 'first', lasting)
  const { add } = other()
  other().add = async (...added) => {
    await sessions.swap('session|1', { seen: 'first', value: 'second', ...lasting })
    other().add = add
    return add(...added)
  }
  fail('open')
  await clock.advance(1_000)
  expect(await other().get('session|1')).toBe('second')
})

test('whoever cannot be answered without the store tries it again, and does not fail because it failed long ago', async () => {
  const { clock, sessions, other, events, fail, calls } = createWorld()
  await other().add('session|unseen', 'value', lasting)
  fail()
  await expect(sessions.get('session|unseen')).rejects.toThrow('connection refused')
  await clock.advance(10_000)
  fail('open')
  const before = calls()
  const answers = ['a', 'b'].map((me) => sessions.add(`lock|${me}`, me, { ttl: 5_000 }))
  expect(await Promise.all(answers)).toEqual([true, true])
  expect(calls() - before).toBe(3)
  expect(await sessions.get('session|unseen')).toBe('value')
  expect(events).toEqual(['storage-failed', 'storage-recovered'])
})

test('a store that keeps failing is not asked more than once a second', async () => {
  const { clock, sessions, fail, calls } = createWorld()
  fail()
  await expect(sessions.get('unseen')).rejects.toThrow('connection refused')
  const before = calls()
  for (let tenth = 0; tenth < 100; tenth += 1) {
    await expect(sessions.get('unseen')).rejects.toThrow('connection refused')
    await clock.advance(100)
  }
  expect(calls() - before).toBeLessThanOrEqual(11)
})

describe('the copy', () => {
  test('has a limit, and forgets what was used longest ago', async () => {
    const { sessions, fail } = createWorld({ limit: 3 })
    for (const key of ['1', '2', '3']) await sessions.add(key, 'value', lasting)
    await sessions.get('1')
    await sessions.add('4', 'value', lasting)
    fail()
    await expect(sessions.get('2')).rejects.toThrow('connection refused')
    for (const key of ['1', '3', '4']) expect(await sessions.get(key)).toBe('value')
  })

  test('never forgets what is not saved, and refuses more', async () => {
    const { sessions, other, fail, recover } = createWorld({ limit: 3 })
    await sessions.add('old', 'value', lasting)
    fail()
    for (const key of ['1', '2', '3']) await sessions.add(key, 'value', lasting)
    await expect(sessions.add('4', 'value', lasting)).rejects.toThrow('connection refused')
    await expect(sessions.remove('old')).rejects.toThrow('connection refused')
    expect(await sessions.swap('3', { seen: 'value', value: 'next', ...lasting })).toBe(true)
    await recover()
    for (const key of ['1', '2']) expect(await other().get(key)).toBe('value')
    expect(await other().get('3')).toBe('next')
  })

  test('is not filled by cookies that somebody made up', async () => {
    const { sessions, fail } = createWorld({ limit: 3 })
    await sessions.add('real', 'value', lasting)
    for (let count = 0; count < 10; count += 1) {
      await Promise.all([
        sessions.touch(`made up ${count}`, hour),
        sessions.get(`made up ${count}`),
      ])
    }
    fail()
    expect(await sessions.get('real')).toBe('value')
  })

  test('ten thousand sign-ins of an outage are all in the store later', async () => {
    const { sessions, other, fail, recover } = createWorld()
    fail()
    const keys = Array.from({ length: 10_000 }, (_, one) => `session|${one}`)
    for (const key of keys) await sessions.add(key, 'value', lasting)
    await recover()
    const values = await Promise.all(keys.map((key) => other().get(key)))
    expect(values.every((value) => value === 'value')).toBe(true)
  })
})
