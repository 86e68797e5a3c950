import type { Lock } from './lock.ts'

interface Place {
  begin(): void
  lose(): void
}

/** Makes a lock for clients of this page or process only, kept in memory. */
export function localLock(): Lock {
  // Who holds the lock is first in line. A name nobody asks for has no line.
  const lines = new Map<string, Place[]>()
  return {
    request: (name, { steal, signal }, task) =>
      new Promise((resolve, reject) => {
        const line = lines.get(name) ?? []
        const leave = () => {
          // Not the holder any more: the lock was stolen.
          if (line[0] !== place) return
          line.shift()
          line.at(0)?.begin()
          if (line.length < 1) lines.delete(name)
        }
        // The place in the line stays, and is passed over when its turn comes.
        const giveUp = () => reject(signal?.reason)
        const place: Place = {
          begin() {
            signal?.removeEventListener('abort', giveUp)
            void Promise.resolve()
              .then(() => {
                signal?.throwIfAborted()
                return task()
              })
              .finally(leave)
              .then(resolve, reject)
          },
          lose: () => reject(new DOMException('The lock was stolen.', 'AbortError')),
        }

        if (steal) line.splice(0, 1, place)[0]?.lose()
        else line.push(place)
        lines.set(name, line)
        if (line[0] === place) place.begin()
        else if (signal?.aborted) giveUp()
        else signal?.addEventListener('abort', giveUp)
      }),
  }
}
