import type { Clock } from '../../clock.ts'

/** A {@link Clock} that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Lets time pass: every timer that falls due is called in order, and what it set off may finish
   * before the next one.
   */
  advance(milliseconds: number): Promise<void>
  /** Moves the wall clock only, by milliseconds that may be negative: timers do not notice. */
  jump(milliseconds: number): void
  /**
   * Lets everything finish that needs no more time: promises, channel messages, the test server's work, and what
   * else WebCrypto does within ten milliseconds.
   */
  settle(): Promise<void>
  /** How many timers are pending. */
  readonly timers: number
}

/** What {@link createFakeClock} can be told beside the time. */
export interface FakeClockOptions {
  /** Where the sequence of `random` begins. */
  seed?: number | undefined
  /** Replaces the pause that `advance` makes around timers, for tests that do without WebCrypto. */
  settle?: (() => Promise<void>) | undefined
}

// Kept from before a test could put fake timers in their place.
const { setTimeout: realSetTimeout, setImmediate: realSetImmediate } = globalThis as unknown as {
  setTimeout: (callback: () => void, milliseconds: number) => unknown
  setImmediate?: (callback: () => void) => unknown
}
const realCrypto = globalThis.crypto

/**
 * Makes a clock that stands still at `start`, in milliseconds since 1970 (by default the first
 * moment of 2026).
 */
export function createFakeClock(
  start: number = Date.UTC(2026, 0, 1),
  options: FakeClockOptions = {},
): FakeClock {
  if (!Number.isFinite(start)) {
    throw new Error(
      `A fake clock begins at a number of milliseconds since 1970, not at ${String(start)}.`,
    )
  }
  const pending = new Set<{ due: number; callback: () => void }>()
  const settle = options.settle ?? settleForReal
  const random = sequence(options.seed ?? 1)
  let wall = start
  let elapsed = 0

  const pass = (until: number) => {
    wall += until - elapsed
    elapsed = until
  }
  const nextDue = (until: number) =>
    [...pending]
      .filter((timer) => timer.due <= until)
      .reduce<{ due: number; callback: () => void } | undefined>(
        (first, timer) => (first && first.due <= timer.due ? first : timer),
        undefined,
      )

  return {
    now: () => wall,
    random,
    systemOffset: () => (wall - Date.now()) / 1000,
    setTimeout(callback, milliseconds) {
      const timer = { due: elapsed + Math.min(Math.max(milliseconds, 0), 2 ** 31 - 1), callback }
      pending.add(timer)
      return () => void pending.delete(timer)
    },
    async advance(milliseconds) {
      const until = elapsed + milliseconds
      await settle()
      for (let timer = nextDue(until); timer; timer = nextDue(until)) {
        pass(Math.max(elapsed, timer.due))
        pending.delete(timer)
        timer.callback()
        await settle()
      }
      pass(Math.max(elapsed, until))
    },
    jump(milliseconds) {
      wall += milliseconds
    },
    settle,
    get timers() {
      return pending.size
    },
  }
}

/** One turn of the event loop: promises run dry, then one task further. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (realSetImmediate) {
      realSetImmediate(resolve)
      return
    }
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

const work = new Set<Promise<unknown>>()

/** Fake clocks stand still for this. A server needs real time for its answers: 2048 bits of RSA a tenth of a second. */
export function standStillFor<T>(task: Promise<T>): Promise<T> {
  const forget = (): void => void work.delete(task)
  work.add(task)
  task.then(forget, forget)
  return task
}

/**
 * WebCrypto answers from other threads, after real time: a client's is given some ten milliseconds. A hash of our own in each
 * round waits in line behind it, so that a busy machine, where those threads come late, is given more.
 */
async function settleForReal(): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    await new Promise<void>((resolve) => realSetTimeout(resolve, 0))
    await anyHash()
    await turn()
    if (work.size === 0) continue
    await Promise.allSettled(work)
    round = 0
  }
}

async function anyHash(): Promise<void> {
  try {
    await realCrypto.subtle.digest('SHA-256', new Uint8Array())
  } catch {
    // Not everywhere is there WebCrypto: then nobody waits for it either.
  }
}

/** The generator mulberry32: numbers in [0, 1), the same for the same seed. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
