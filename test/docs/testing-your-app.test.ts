import { execFile } from 'node:child_process'
import * as buffer from 'node:buffer'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import * as vitest from 'vitest'
import { clientChoices } from '../../src/testing/server/client-registration.ts'
import { serverChoices } from '../../src/testing/server/options.ts'
import { loadApp } from './app.ts'
import { namesInTables, root, snippetsOf } from './markdown.ts'

const { expect, test } = vitest
const document = 'docs/testing-your-app.md'

interface Report {
  testResults: { name: string; assertionResults: { title: string; status: string }[] }[]
}

/** The blocks as a project of their own, which vitest runs: how many tests passed, by file. */
async function runProject(): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'pkce-client-docs-'))
  try {
    for (const { name, code } of snippetsOf(document)) writeFileSync(join(folder, name), code)
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const alias = {
      'pkce-client/server': join(root, 'src/server/index.ts'),
      'pkce-client/testing': join(root, 'src/testing/index.ts'),
      'pkce-client': join(root, 'src/index.ts'),
    }
    const config = { resolve: { alias }, test: { include: ['*.test.ts'], testTimeout: 30_000 } }
    writeFileSync(join(folder, 'vitest.config.mjs'), `export default ${JSON.stringify(config)}`)
    const cli = join(root, 'node_modules/vitest/vitest.mjs')
    const output = await new Promise<string>((resolve) => {
      const how = ['run', '--reporter=json', '--outputFile=report.json', '--reporter=default']
      execFile(process.execPath, [cli, ...how], { cwd: folder }, (_, out, err) =>
        resolve(out + err),
      )
    })
    const { testResults } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report
    const failed = testResults.flatMap(({ assertionResults }) =>
      assertionResults.filter(({ status }) => status !== 'passed'),
    )
    expect(failed, output).toEqual([])
    return Object.fromEntries(
      testResults.map(({ name, assertionResults }) => [
        name.replace(/^.*\//, ''),
        assertionResults.length,
      ]),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the tests of the document pass in vitest (N11)', { timeout: 120_000 }, async () => {
  expect(await runProject()).toEqual({
    'greeting.test.ts': 5,
    'sign-in.test.ts': 1,
    'app.test.ts': 2,
    'shared-client.test.ts': 2,
    'own-api.test.ts': 1,
    'back-end.test.ts': 3,
  })
})

test.each([
  ['### Options of createAuthServer', serverChoices],
  ['### Options of a client', clientChoices],
])('the table %s has every option (N11)', (heading, choices) => {
  expect(namesInTables(document, heading)).toEqual(Object.keys(choices).sort())
})

/** Runs the tests of a block in this realm; a failing one fails here. */
async function runTests(block: string): Promise<number> {
  const tests: (() => Promise<void>)[] = []
  const runner = {
    ...vitest,
    test: (_: string, body: () => Promise<void>) => void tests.push(body),
  }
  await loadApp(document, { vitest: runner }).run(block)
  for (const body of tests) await body()
  return tests.length
}

test('jsdom is no place for a sign-in before its set-up, and is one after', async () => {
  // As vitest does with the window of jsdom: another realm's bytes, and blobs that Node did not make.
  const window = runInNewContext('({ ArrayBuffer, Uint8Array, Blob: class Blob {} })') as object
  for (const [name, value] of Object.entries(window)) vitest.vi.stubGlobal(name, value)
  try {
    await expect(runTests('own-api.test')).rejects.toThrow()
    await loadApp(document, { 'node:buffer': buffer }).run('jsdom-set-up')
    expect(await runTests('own-api.test')).toBe(1)
  } finally {
    vitest.vi.unstubAllGlobals()
  }
})

test('the server can be controlled as the document says', async () => {
  const app = loadApp(document)
  await app.run('controls')
  expect(app.printed).toEqual([0])
})
