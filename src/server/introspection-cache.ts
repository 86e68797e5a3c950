import { sha256 } from './bytes.ts'
import type { Clock } from '../clock.ts'
import type { Introspection } from '../protocol/introspection.ts'

/** Milliseconds for which an answer counts, if the token does not expire before. */
const longest = 30_000
const maximumEntries = 10_000

/**
 * Remembers what the server said about tokens, by their hashes: a token that was revoked is accepted for half a minute more.
 * Failures are not remembered.
 */
export function cacheIntrospection(
  ask: (token: string) => Promise<Introspection>,
  clock: Clock,
): (token: string) => Promise<Introspection> {
  const answers = new Map<
    string,
    { asked: number; until: number; answer: Promise<Introspection> }
  >()

  const askAnew = (key: string, token: string) => {
    const asked = clock.now()
    const answer = ask(token)
    const entry = { asked, until: asked + longest, answer }
    // Deleted first, so that the map stays in the order of age.
    answers.delete(key)
    answers.set(key, entry)
    if (answers.size > maximumEntries) answers.delete(answers.keys().next().value!)
    answer.then(
      ({ exp }) => {
        if (typeof exp === 'number') entry.until = Math.min(entry.until, exp * 1000)
      },
      () => answers.get(key) === entry && answers.delete(key),
    )
    return answer
  }

  return async (token) => {
    const key = await sha256(token)
    const known = answers.get(key)
    const now = clock.now()
    // The clock may have been set back.
    return known && now >= known.asked && now < known.until ? known.answer : askAnew(key, token)
  }
}
