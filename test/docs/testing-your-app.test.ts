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

test('the server grants every wish', async () => {
  const app = loadApp('docs/testing-your-app.md')
  await app.run('wishes')
  expect(app.printed).toEqual([0])
})
