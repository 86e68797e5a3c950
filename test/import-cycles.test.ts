import { ModuleKind, ModuleResolutionKind } from 'typescript'
import { describe, expect, test } from 'vitest'
import noImportCycles from '../scripts/lint/no-import-cycles.js'
import { lint } from './support/lint.ts'

/** What the rule says about these files. */
function cycles(files: Record<string, string>): string[] {
  const options = {
    module: ModuleKind.ESNext,
    moduleResolution: ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    noEmit: true,
  }
  return [...lint(noImportCycles, files, options).values()].flat().map(({ message }) => message)
}

const value = 'export const value = 1'

describe('lint', () => {
  test.each([
    ['import', `import { value } from './b.ts'\nexport const twice = value`],
    ['import type', `import type { B } from './b.ts'\nexport type A = B`],
    ['an import with inline types', `import { type B } from './b.ts'\nexport type A = B`],
    ['import() as a type', `export type A = import('./b.ts').B`],
    ['import()', `export const later = () => import('./b.ts')`],
    ['export from', `export { value } from './b.ts'`],
    ['export type from', `export type { B } from './b.ts'`],
    ['export *', `export * from './b.ts'`],
    ['an import without extension', `import { value } from './b'\nexport const twice = value`],
  ])('refuses an import cycle closed by %s', (_, a) => {
    const b = `import type { A } from './a.ts'\n${value}\nexport type B = A | 1`
    expect(cycles({ 'a.ts': a, 'b.ts': b })).toEqual([
      'This import is part of a cycle: a.ts -> b.ts -> a.ts.',
      'This import is part of a cycle: b.ts -> a.ts -> b.ts.',
    ])
  })

  test('names every file of a long import cycle, across folders, and no other file', () => {
    expect(
      cycles({
        'a.ts': `export { value } from './in/b.ts'`,
        'in/b.ts': `export { value } from '../c.ts'`,
        'c.ts': `import type {} from './a.ts'\nexport { value } from './d.ts'`,
        'd.ts': value,
        'e.ts': `export { value } from './a.ts'`,
      }),
    ).toEqual([
      'This import is part of a cycle: a.ts -> b.ts -> c.ts -> a.ts.',
      'This import is part of a cycle: b.ts -> c.ts -> a.ts -> b.ts.',
      'This import is part of a cycle: c.ts -> a.ts -> b.ts -> c.ts.',
    ])
  })

  test('refuses a file that imports itself', () => {
    expect(cycles({ 'a.ts': `import type { A } from './a.ts'\nexport type A = 1` })).toEqual([
      'This import is part of a cycle: a.ts -> a.ts.',
    ])
  })

  test('allows two imports of one file, packages, and files that do not exist', () => {
    expect(
      cycles({
        'a.ts': `export * from './b.ts'\nexport * from './c.ts'\nimport 'vitest'\nimport './gone.ts'`,
        'b.ts': `export * from './c.ts'`,
        'c.ts': value,
      }),
    ).toEqual([])
  })
})
