import type { Clock } from '../clock.ts'
import type { Seal } from './seal.ts'

interface Opened {
  context: string
  text: string
  at: number
}

/** For how many milliseconds a string stays open, and how many strings do. */
const openFor = 5000
const mostOpen = 1000

/**
 * Opens a sealed string once for all who ask within some seconds: a page makes several requests, and opening costs each of them
 * more than all the rest. What was changed, or is asked for in another context, is another string.
 */
export function openedForAWhile(seal: Seal, clock: Clock): Seal['open'] {
  /** The one that was opened first comes first. */
  const opened = new Map<string, Opened>()

  /** No timer does this: a process that has nothing to do can end, and what is left is no more than it was. */
  function forgetOld(): void {
    for (const [sealed, { at }] of opened) {
      const age = clock.now() - at
      if (age >= 0 && age < openFor && opened.size <= mostOpen) return
      opened.delete(sealed)
    }
  }

  return async (sealed, context) => {
    forgetOld()
    const found = opened.get(sealed)
    if (found?.context === context) return found.text
    const text = await seal.open(sealed, context)
    if (text !== undefined) opened.set(sealed, { context, text, at: clock.now() })
    return text
  }
}
