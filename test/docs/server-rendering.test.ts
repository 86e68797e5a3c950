import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root, snippetsOf } from './markdown.ts'

const snippets = snippetsOf('docs/server-rendering.md')

test.each(snippets.map(({ name, code }) => [name, code]))(
  '%s of the guide is the file of the Next.js example, which is built and visited (N7)',
  (name, code) => {
    expect(code).toBe(readFileSync(join(root, 'examples/next/app', name), 'utf8'))
  },
)

test('the guide shows every file of the example that is more than a line (N7)', () => {
  expect(snippets.map(({ name }) => name)).toEqual([
    'auth.ts',
    'session.tsx',
    'layout.tsx',
    'page.tsx',
  ])
})
