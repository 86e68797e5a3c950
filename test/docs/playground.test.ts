import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDocument, root } from './markdown.ts'

test('the guide to the playground has a row for every trouble, in the order of the page', () => {
  const source = readFileSync(join(root, 'examples/playground/troubles.ts'), 'utf8')
  const labels = [...source.matchAll(/label: '([^']+)',\s+group:/g)].map(([, label]) => label)
  const [, table] = readDocument('docs/playground.md').split('|---|---|\n')
  const rows = table!.split('\n\n')[0]!.split('\n')
  expect(rows.flatMap((row) => row.split(' | ')[0]!.slice(2).split(' · '))).toEqual(labels)
  expect(labels).toHaveLength(20)
})
