import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { conformance, document, evidence, problems, testNames } from '../../scripts/conformance.mjs'

const { data, text, problems: found } = conformance()

describe('the matrix of requirements', () => {
  test('has every row proved or explained, and no test names a row that does not exist', () => {
    expect(found).toEqual([])
  })

  test.each([
    ['C-', 117],
    ['S-', 48],
    ['A-', 88],
    ['G', 14],
  ])('has all rows of %s, up to %d', (kind, last) => {
    const expected = Array.from({ length: last }, (_, i) =>
      kind === 'G' ? `G${i + 1}` : `${kind}${String(i + 1).padStart(2, '0')}`,
    )
    expect(Object.keys(data.rows).filter((id) => new RegExp(`^${kind}\\d`).test(id))).toEqual(
      expected,
    )
  })

  test('has the 57 modules for relying parties', () => {
    expect(Object.keys(data.rows).filter((id) => id.startsWith('oidcc-'))).toHaveLength(57)
  })

  test('is written down: npm run conformance brings docs/conformance.md up to date', () => {
    expect(readFileSync(document, 'utf8')).toBe(text)
  })
})

describe('what the matrix objects to', () => {
  const rows = { 'C-01': ['MUST', 'x'], 'C-02': ['MUST', 'y'] }
  const lists = { notApplicable: {}, planned: {}, differently: {} }
  const proved = (source: string) => evidence([['a.test.ts', source]])
  const both = proved(`test('C-01 to C-02: works', () => {})`)

  test('nothing, when each row has its test', () => {
    expect(problems({ rows, ...lists }, both)).toEqual([])
  })

  test.each<[string, object, string]>([
    ['C-02 is neither proved nor listed', {}, `test('C-01: works', () => {})`],
    ['C-03 does not exist', {}, `test('C-01 to C-03: works', () => {})`],
    [
      'C-02 is listed, but a test proves it',
      { notApplicable: { 'C-02': 'why' } },
      `test('C-01 to C-02: works', () => {})`,
    ],
    [
      'C-02 is listed twice',
      { notApplicable: { 'C-02': 'why' }, planned: { 'C-02': 'DPoP' } },
      `test('C-01: works', () => {})`,
    ],
    [
      'C-02 cannot be planned',
      { planned: { 'C-02': 'some day' } },
      `test('C-01: works', () => {})`,
    ],
  ])('%s', (problem, listed, source) => {
    expect(problems({ rows, ...lists, ...listed }, proved(source))).toEqual([problem])
  })
})

describe('the names of tests', () => {
  test('include those of the groups around them', () => {
    const source = `describe('C-01: a', () => { describe('b', () => { it('c', () => {}) }) })`
    expect(testNames(source)).toEqual([['C-01: a', 'b', 'c']])
  })

  test('are one for each row of a table that has an ID', () => {
    const source = `
      const table = [['C-01: this', 1], ['that', 2], [\`C-02: those\`, 3]]
      describe.each(['x'])('with %s', () => { test.each(table)('%s fails', () => {}) })`
    expect(testNames(source)).toEqual([
      ['with %s', 'C-01: this fails'],
      ['with %s', 'C-02: those fails'],
    ])
  })

  test('do not come out of what is skipped', () => {
    const source = `
      describe.skip('C-01: a', () => { test('b', () => {}) })
      test.skip('C-01: c', () => {})
      test.todo('C-01: d')`
    expect(testNames(source)).toEqual([])
  })

  test('do not come out of comments and bodies', () => {
    const source = `// C-01\ntest('works', () => { expect('C-02: this').toBe(1) })`
    expect(evidence([['a.test.ts', source]]).size).toBe(0)
  })
})
