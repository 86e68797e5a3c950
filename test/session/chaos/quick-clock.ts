import { createFakeClock } from '../../../src/testing/index.ts'
import type { FakeClock } from '../../../src/testing/index.ts'

/** Turns of the event loop without WebCrypto at work after which nothing goes on by itself any more. */
const calm = 50

let working = 0

const methods = [
  ...['sign', 'verify', 'digest', 'encrypt', 'decrypt'],
  ...['generateKey', 'importKey', 'exportKey', 'deriveBits', 'deriveKey'],
]

function watchWebCrypto(): void {
  const subtle = crypto.subtle as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of methods) {
    const original = subtle[name]!.bind(subtle)
    subtle[name] = (...args) => {
      working += 1
      return (original(...args) as Promise<unknown>).finally(() => (working -= 1))
    }
  }
}

watchWebCrypto()

export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

async function settle(): Promise<void> {
  for (let idle = 0; idle < calm; idle = working ? 0 : idle + 1) await turn()
}

/** A fake clock that waits for WebCrypto by counting what it does instead of giving it time: a hundred times as fast. */
export const createQuickClock = (seed: number): FakeClock =>
  createFakeClock(undefined, { settle, seed })
