// Proves that the chaos test would notice: breaks one line of src/ at a time, in a copy of the tree, and demands that the test
// fails. Some stories are too rare for a run of it: what it found once is kept in another test, which has to fail then.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The stories of many machines; without a name it is those of tabs. */
const machines = 'test/server/chaos.test.ts'
const tabs = 'test/session/chaos.test.ts'

const mutations = [
  {
    name: 'no lock',
    file: 'src/session/refresh.ts',
    from: 'await options.exclusive({ name, task })',
    to: 'await task(() => false)',
  },
  {
    name: 'no re-read',
    file: 'src/session/refresh.ts',
    from: 'await session.reread()\n      const record',
    to: 'const record',
  },
  {
    name: 'no generation check',
    file: 'src/session/session.ts',
    from: 'const movedOn = isOutdated(found)',
    to: 'const movedOn = false && isOutdated(found)',
  },
  {
    name: 'persist after publish',
    file: 'src/session/session.ts',
    from: 'isTaken = (await store.set(',
    to: 'adopt(next); isTaken = (await store.set(',
  },
  {
    name: 'end session on 5xx',
    file: 'src/session/refresh.ts',
    from: "case 'refused':",
    to: "case 'refused': case 'unknown':",
  },
  {
    name: 'no look at the store before the end',
    file: 'src/session/session.ts',
    from: 'write(base, tombstone(base, reason))',
    to: 'write(undefined, tombstone(base, reason))',
  },
  {
    name: 'no marks for copied tabs',
    file: 'src/session/copies.ts',
    from: '!store.shared && !store.volatile && !signedOut',
    to: 'false && !signedOut',
  },
  {
    name: 'no line of those who want to take a lock over',
    file: 'src/session/exclusive.ts',
    from: 'await obtain(parts, { name: `${name}|next`, task: beNext, patience: 1.1 * patience })',
    to: 'await beNext(new AbortController().signal)',
  },
  {
    name: 'a token is sent although the others cannot know',
    file: 'src/session/refresh.ts',
    from: 'if (session.isUnannounced(sent))',
    to: 'if (false)',
  },
  {
    name: 'the refresh token beside a missing access token is lost',
    file: 'src/session/refresh.ts',
    from: '= refreshToken\n      ? [',
    to: '= false\n      ? [',
  },
  {
    name: 'refusals without a reason end a session at once',
    file: 'src/session/backoff.ts',
    from: 'const timeToEnd = 600_000',
    to: 'const timeToEnd = 0',
  },
  {
    name: 'a sign-out does not give up the sign-in under way',
    file: 'src/sign-in/turns.ts',
    from: 'for (const attempt of under) attempt.abort',
    to: 'for (const attempt of []) attempt.abort',
  },
  {
    name: 'a lock for each API',
    file: 'src/session/refresh.ts',
    from: '`${key}|grant|$',
    to: '`${key}|grant|${ask}|$',
  },
  {
    name: "the session's own token for every API",
    file: 'src/api/credentials.ts',
    from: '= tokenOf(record, ask)!',
    to: '= tokenOf(record)!',
  },
  {
    name: 'what is refused to one API ends the session',
    file: 'src/session/refresh.ts',
    from: 'if (flight.ask !== sent.first &&',
    to: 'if (false &&',
  },
  {
    name: 'a call whose answer is lost is sent again after a sign-in',
    file: 'src/capabilities/on-demand.ts',
    from: '(error.sessionEnded || isStuck) ? error : undefined',
    to: '(error.sessionEnded || isStuck) ? error : endedBy401()',
  },
  {
    name: 'a call is sent for whoever has signed in',
    file: 'src/capabilities/on-demand.ts',
    from: 'if (record && (call.owner === undefined || ownerOf(record) === call.owner)) return true',
    to: 'if (record) return true',
  },
  {
    name: 'a bound refresh token is sent without a proof',
    file: 'src/protocol/refresh.ts',
    from: '...options,\n          additionalParameters,',
    to: '...options, DPoP: undefined, additionalParameters,',
  },
  {
    name: 'back end: a lease that is lost is not noticed',
    test: machines,
    file: 'src/server/lease-lock.ts',
    from: 'lost: () => refused || age() > lease - reserve',
    to: 'lost: () => false && (refused || age() > lease - reserve)',
  },
  {
    name: 'back end: a lease that anybody gets',
    test: machines,
    file: 'src/server/lease-lock.ts',
    from: 'if (isOver() || (await store.add(key, holder, { ttl: lease })))',
    to: 'if (isOver() || ((await store.add(key, holder, { ttl: lease })), true))',
  },
  {
    name: 'back end: written over what others have written',
    test: machines,
    file: 'src/server/session-records.ts',
    from: 'seen: found.sealed,',
    to: "seen: (await store.get(key)) ?? '',",
    kept: 'test/server/keeping.test.ts',
  },
  {
    name: 'back end: the keeper goes before its refresh is over',
    test: machines,
    file: 'src/server/make-keeper.ts',
    from: 'hold(() => parts.lease.run(',
    to: '(() => parts.lease.run(',
  },
]

const root = resolve(import.meta.dirname, '..')
const copy = mkdtempSync(join(tmpdir(), 'pkce-client-mutants-'))
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))

for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
  cpSync(join(root, name), join(copy, name), { recursive: true })
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')

const table = mutations.map((mutation) => ({ mutation: mutation.name, ...outcomeOf(mutation) }))
console.table(table)
const caught = table.filter(({ outcome }) => outcome.startsWith('caught')).length
console.log(`${caught} of ${mutations.length} mutations caught`)
process.exitCode = caught === mutations.length ? 0 : 1

function outcomeOf({ file, from, to, test = tabs, kept = 'test/session/regressions.test.ts' }) {
  const path = join(copy, file)
  const source = readFileSync(path, 'utf8')
  if (source.split(from).length !== 2) return { outcome: `does not apply to ${file} exactly once` }
  writeFileSync(path, source.replace(from, to))
  let outcome = runChaos(test)
  if (outcome.outcome === 'SURVIVED' && run(kept).failed)
    outcome = { outcome: 'caught by a kept story' }
  writeFileSync(path, source)
  return outcome
}

/** Only a story that breaks a rule counts: a test that cannot run proves nothing. */
function runChaos(test) {
  const { output, failed } = run(test)
  const after = /Property failed after (\d+) tests/.exec(output)
  const why = /^Got (?:error|AssertionError|\w+): ?(.{0,60})/m.exec(output)
  if (after) return { outcome: 'caught', 'after stories': Number(after[1]), by: why?.[1] }
  return { outcome: failed ? 'the test did not run' : 'SURVIVED' }
}

function run(test) {
  const { status, stdout, stderr } = spawnSync('npx', ['vitest', 'run', test], {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, CHAOS_SHRINK: 'no', NO_COLOR: '1' },
    shell: process.platform === 'win32',
  })
  return { output: stdout + stderr, failed: status !== 0 }
}
