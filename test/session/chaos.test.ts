import fc from 'fast-check'
import { test } from 'vitest'
import { run } from './chaos/run.ts'
import type { Setting } from './chaos/stage.ts'
import { steps } from './chaos/steps.ts'

// The same stories every time, so that a change that is tested is the reason when they fail; any other seed tells new ones.
const { CHAOS_RUNS = '2000', CHAOS_SEED = '2026', CHAOS_PATH, CHAOS_SHRINK } = process.env
const seed = CHAOS_SEED === 'random' ? Date.now() : Number(CHAOS_SEED)

const settings: fc.Arbitrary<Setting> = fc.record({
  seed: fc.nat(999),
  accessTokenLifetime: fc.constantFrom(900, 900, 900, 60, 5, 1, 2_592_000),
  server: fc.constantFrom('strict', 'strict', 'with a grace period', 'without rotation'),
  store: fc.constantFrom('prompt', 'late'),
  channel: fc.constantFrom(true, true, false),
  storeFails: fc.constantFrom(false, false, false, true),
})

/** The default message, and how to see the failure again. */
async function report<Story>(details: fc.RunDetails<Story>): Promise<void> {
  if (!details.failed) return
  const { seed, counterexamplePath } = details
  const replay = `CHAOS_SEED=${seed} CHAOS_PATH=${counterexamplePath} npx vitest run test/session/chaos.test.ts`
  throw new Error(`${fc.defaultReportMessage(details)}\n\nTo see it again: ${replay}`, {
    cause: details.errorInstance,
  })
}

test(`${CHAOS_RUNS} random stories of tabs, people, networks, servers, clocks and storage: nobody loses a session that was not ended`, async () => {
  await fc.assert(fc.asyncProperty(settings, steps(40), run), {
    numRuns: Number(CHAOS_RUNS),
    seed,
    ...(CHAOS_PATH && { path: CHAOS_PATH }),
    // A story that does not come to its end goes round in circles.
    timeout: 20_000,
    endOnFailure: CHAOS_SHRINK === 'no',
    includeErrorInReport: true,
    asyncReporter: report,
  })
}, 3_600_000)
