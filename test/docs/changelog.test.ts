import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const lines = readFileSync('CHANGELOG.md', 'utf8').split('\n')

test('the changelog says nothing twice, as a careless merge makes it', () => {
  const long = lines.filter((line) => line.length > 30)
  expect(long.filter((line, at) => long.indexOf(line) !== at)).toEqual([])
})
