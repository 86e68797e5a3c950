import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { maximumDelay, systemClock } from '../src/clock.ts'

describe('the clock of the machine', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('tells the time in milliseconds, and is never ahead of it', () => {
    const clock = systemClock()
    expect(clock.now()).toBe(1000)
    expect(clock.systemOffset()).toBe(0)
  })

  test('calls back once, late enough, and never at once', () => {
    const callback = vi.fn()
    systemClock().setTimeout(callback, 50)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(49)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(10_000)
    expect(callback).toHaveBeenCalledTimes(1)
  })

  test('a cancelled timer never calls back, and may be cancelled twice', () => {
    const callback = vi.fn()
    const cancel = systemClock().setTimeout(callback, 50)
    cancel()
    cancel()
    vi.advanceTimersByTime(100)
    expect(callback).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([2 ** 31, 1e12, Infinity])(
    'a delay of %d ms is cut to what timers can do, where platforms call back at once (A-56)',
    (milliseconds) => {
      const spy = vi.spyOn(globalThis, 'setTimeout')
      systemClock().setTimeout(() => undefined, milliseconds)
      expect(spy).toHaveBeenCalledWith(expect.any(Function), 2 ** 31 - 1)
      expect(maximumDelay).toBe(2 ** 31 - 1)
    },
  )

  test('chance is in [0, 1)', () => {
    const clock = systemClock()
    for (let draw = 0; draw < 100; draw += 1) {
      const value = clock.random()
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThan(1)
    }
  })
})
