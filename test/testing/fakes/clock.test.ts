import { describe, expect, test, vi } from 'vitest'
import { createAuthServer, createFakeClock } from '../../../src/testing/index.ts'

describe('the wall clock', () => {
  test('begins where it is told to', () => {
    expect(createFakeClock(1_000).now()).toBe(1_000)
  })

  test('begins at the same moment every time', () => {
    expect(createFakeClock().now()).toBe(Date.UTC(2026, 0, 1))
  })

  test('stands still while a test waits', async () => {
    const clock = createFakeClock(0)
    await clock.settle()
    expect(clock.now()).toBe(0)
  })

  test('moves as far as it is advanced', async () => {
    const clock = createFakeClock(0)
    await clock.advance(1_500)
    expect(clock.now()).toBe(1_500)
  })

  test('tells how far it is ahead of the machine, in seconds', () => {
    expect(createFakeClock(Date.now() + 3_600_000).systemOffset()).toBeCloseTo(3_600, 0)
  })

  test('jumps forward and back', () => {
    const clock = createFakeClock(10_000)
    clock.jump(5_000)
    clock.jump(-7_000)
    expect(clock.now()).toBe(8_000)
  })
})

describe('timers', () => {
  test('are called when their time has come, and not before', async () => {
    const clock = createFakeClock(0)
    const callback = vi.fn()
    clock.setTimeout(callback, 1_000)
    await clock.advance(999)
    expect(callback).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(callback).toHaveBeenCalledOnce()
  })

  test('are called in the order they fall due, each at its own time', async () => {
    const clock = createFakeClock(0)
    const calls: [string, number][] = []
    clock.setTimeout(() => calls.push(['late', clock.now()]), 200)
    clock.setTimeout(() => calls.push(['early', clock.now()]), 100)
    await clock.advance(1_000)
    expect(calls).toEqual([
      ['early', 100],
      ['late', 200],
    ])
  })

  test('that fall due together are called in the order they were set', async () => {
    const clock = createFakeClock(0)
    const calls: string[] = []
    for (const name of ['a', 'b', 'c']) clock.setTimeout(() => calls.push(name), 100)
    await clock.advance(100)
    expect(calls).toEqual(['a', 'b', 'c'])
  })

  test('set by a timer are called within the same advance', async () => {
    const clock = createFakeClock(0)
    const times: number[] = []
    const again = () => {
      times.push(clock.now())
      clock.setTimeout(again, 100)
    }
    clock.setTimeout(again, 100)
    await clock.advance(350)
    expect(times).toEqual([100, 200, 300])
  })

  test('set after an await that a timer began fall due in time', async () => {
    const clock = createFakeClock(0)
    const times: number[] = []
    clock.setTimeout(() => {
      void crypto.subtle
        .digest('SHA-256', new Uint8Array(1))
        .then(() => clock.setTimeout(() => times.push(clock.now()), 50))
    }, 100)
    await clock.advance(1_000)
    expect(times).toEqual([150])
  })

  test('wait for WebCrypto that is under way before they let time pass', async () => {
    const clock = createFakeClock(0)
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    let finished = -1
    void crypto.subtle
      .generateKey(algorithm, false, ['sign', 'verify'])
      .then(({ privateKey }) =>
        crypto.subtle.sign({ ...algorithm, hash: 'SHA-256' }, privateKey, new Uint8Array(1)),
      )
      .then(() => (finished = clock.now()))
    await clock.advance(60_000)
    expect(finished).toBe(0)
  })

  test('wait for a server that makes its keys first, which takes a tenth of a second or more', async () => {
    const clock = createFakeClock(0)
    const server = createAuthServer({ clock, idTokenAlg: 'PS256' })
    for (const generation of [1, 2]) {
      let answered = -1
      void server.fetch(`${server.issuer}/jwks`).then(() => (answered = clock.now()))
      const began = clock.now()
      await clock.advance(60_000)
      expect([generation, answered]).toEqual([generation, began])
      server.rotateKeys()
    }
  })

  test('do not wait for an answer that somebody holds back', async () => {
    const clock = createFakeClock(0)
    const server = createAuthServer({ clock })
    server.fault('slow-headers', { path: '/jwks', milliseconds: 1_000 })
    let answered = -1
    void server.fetch(`${server.issuer}/jwks`).then(() => (answered = clock.now()))
    await clock.advance(60_000)
    expect(answered).toBe(1_000)
  })

  test('of no delay are not called synchronously', () => {
    const callback = vi.fn()
    createFakeClock().setTimeout(callback, 0)
    expect(callback).not.toHaveBeenCalled()
  })

  test('of a negative delay do not turn time back', async () => {
    const clock = createFakeClock(0)
    const times: number[] = []
    clock.setTimeout(() => times.push(clock.now()), -5_000)
    await clock.advance(0)
    expect(times).toEqual([0])
  })

  test('of a negative delay do not come before others that are due', async () => {
    const clock = createFakeClock(0)
    const calls: string[] = []
    clock.setTimeout(() => calls.push('no delay'), 0)
    clock.setTimeout(() => calls.push('negative delay'), -5_000)
    await clock.advance(0)
    expect(calls).toEqual(['no delay', 'negative delay'])
  })

  test('are not called once cancelled', async () => {
    const clock = createFakeClock(0)
    const callback = vi.fn()
    const cancel = clock.setTimeout(callback, 100)
    cancel()
    await clock.advance(1_000)
    expect(callback).not.toHaveBeenCalled()
  })

  test('are counted while they are pending', async () => {
    const clock = createFakeClock(0)
    clock.setTimeout(() => undefined, 100)
    const cancel = clock.setTimeout(() => undefined, 200)
    expect(clock.timers).toBe(2)
    cancel()
    expect(clock.timers).toBe(1)
    await clock.advance(100)
    expect(clock.timers).toBe(0)
  })

  test('do not notice that the wall clock jumped', async () => {
    const clock = createFakeClock(0)
    const callback = vi.fn()
    clock.setTimeout(callback, 1_000)
    clock.jump(3_600_000)
    await clock.advance(999)
    expect(callback).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(callback).toHaveBeenCalledOnce()
  })

  test('longer than 2^31-1 ms are capped, as the port has it', async () => {
    const clock = createFakeClock(0)
    const callback = vi.fn()
    clock.setTimeout(callback, Number.MAX_SAFE_INTEGER)
    await clock.advance(2 ** 31 - 1)
    expect(callback).toHaveBeenCalledOnce()
  })

  test('run although the test runner has put its own timers in place', async () => {
    vi.useFakeTimers()
    try {
      const clock = createFakeClock(0)
      const callback = vi.fn()
      clock.setTimeout(callback, 1_000)
      await clock.advance(1_000)
      expect(callback).toHaveBeenCalledOnce()
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('chance', () => {
  const draw = (seed?: number) => {
    const clock = createFakeClock(0, seed === undefined ? {} : { seed })
    return Array.from({ length: 100 }, () => clock.random())
  }

  test('is the same every time', () => {
    expect(draw()).toEqual(draw())
  })

  test('is another with another seed', () => {
    expect(draw(1)).not.toEqual(draw(2))
  })

  test('spreads over [0, 1)', () => {
    const drawn = draw()
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...drawn)).toBeLessThan(1)
    expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(0.8)
  })
})

test('the pause around timers can be replaced', async () => {
  const settle = vi.fn(async () => undefined)
  const clock = createFakeClock(0, { settle })
  clock.setTimeout(() => undefined, 100)
  await clock.advance(1_000)
  expect(settle).toHaveBeenCalledTimes(2)
})
