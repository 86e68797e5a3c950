import * as buffer from 'node:buffer'
import { runInNewContext } from 'node:vm'
import * as vitest from 'vitest'
import { loadApp } from './app.ts'

const { expect, test } = vitest

/** Runs the tests of a block; a failing one fails here. */
async function runTests(block: string): Promise<string[]> {
  const tests: [string, () => Promise<void>][] = []
  const afterEach: (() => void)[] = []
  const runner = {
    ...vitest,
    test: (name: string, body: () => Promise<void>) => void tests.push([name, body]),
    afterEach: (hook: () => void) => void afterEach.push(hook),
  }
  await loadApp('docs/testing-your-app.md', { vitest: runner }).run(block)
  for (const [, body] of tests) {
    await body()
    for (const hook of afterEach) hook()
  }
  return tests.map(([name]) => name)
}

test.each([
  ['greeting.test', 5],
  ['sign-in.test', 1],
  ['app.test', 1],
  ['own-api.test', 1],
])('the tests of %s pass', async (block, count) => {
  expect(await runTests(block)).toHaveLength(count)
})

test('jsdom is no place for a sign-in before its set-up, and is one after', async () => {
  // As vitest does with the window of jsdom: another realm's bytes, and blobs that Node did not make.
  const window = runInNewContext('({ ArrayBuffer, Uint8Array, Blob: class Blob {} })') as object
  for (const [name, value] of Object.entries(window)) vitest.vi.stubGlobal(name, value)
  try {
    await expect(runTests('own-api.test')).rejects.toThrow()
    await loadApp('docs/testing-your-app.md', { 'node:buffer': buffer }).run('jsdom-set-up')
    expect(await runTests('own-api.test')).toHaveLength(1)
  } finally {
    vitest.vi.unstubAllGlobals()
  }
})

test('the server grants every wish', async () => {
  const app = loadApp('docs/testing-your-app.md')
  await app.run('wishes')
  expect(app.printed).toEqual([0])
})
