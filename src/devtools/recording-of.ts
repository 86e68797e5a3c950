import { toMermaid } from './sequence.ts'
import type { Log } from './log.ts'
import type { Recording } from './recording.ts'

/** The log as an app sees it. */
export function recordingOf(log: Log): Recording {
  return {
    steps: log.steps,
    subscribe: log.subscribe,
    clear: log.clear,
    add: (message) =>
      void log.add({ type: 'message', purpose: 'app', values: [], checks: [], ...message }),
    cut: (label) => void log.add({ type: 'cut', label }),
    verdict: (label, holds) => void log.add({ type: 'verdict', label, holds }),
    toJson: () => JSON.stringify(log.steps(), null, 2),
    toMermaid: () => toMermaid(log.steps(), log.known().tab),
  }
}
