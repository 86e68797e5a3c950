// The one test command: build, lint, types, then unit and flow, package and browser tests. All of it runs even when a part fails; the last line
// is the sum of all tests, in which a part without tests counts only when it fails.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { conformance } from './conformance.mjs'

const reports = mkdtempSync(join(tmpdir(), 'pkce-client-tests-'))
const sum = { passed: 0, failed: 0 }

// Examples, types and some tests import the package by name, which is the built one.
for (const script of ['build', 'lint', 'typecheck']) {
  if (!run('npm', ['run', script])) sum.failed += 1
}
const report = join(reports, 'vitest.json')
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const ok = run('npx', ['vitest', 'run', ...reporters])
const tests = existsSync(report)
  ? JSON.parse(readFileSync(report, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 0, testResults: [] }
// A file that cannot be loaded, or an error outside any test, is a failure as well.
const failedOutsideTests = tests.testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
).length
const failed = tests.numFailedTests + failedOutsideTests
sum.passed += tests.numPassedTests
sum.failed += ok ? failed : Math.max(failed, 1)
rmSync(reports, { recursive: true })
console.log(`conformance: ${conformance().numbers}`)
console.log(`${sum.passed} passed, ${sum.failed} failed`)
process.exitCode = sum.failed > 0 ? 1 : 0

function run(program, args) {
  console.log(
    `\n> ${[program, ...args.filter((arg) => !arg.startsWith('--rep') && !arg.startsWith('--out'))].join(' ')}`,
  )
  const shell = process.platform === 'win32'
  return spawnSync(program, args, { stdio: 'inherit', shell }).status === 0
}
