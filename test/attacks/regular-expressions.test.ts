import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { RegExpParser, visitRegExpAST } from '@eslint-community/regexpp'
import type { AST } from '@eslint-community/regexpp'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

// What can take more than linear time is a repetition within a repetition, or one behind another where both take the same
// text, tried again from every place. The first is looked for here; large-inputs.test.ts does 10 MB of everything for the rest.

const source = join(import.meta.dirname, '../../src')

/** Every regular expression of the client, by the file it is in. */
function expressions(): { where: string; pattern: string; flags: string }[] {
  const found: { where: string; pattern: string; flags: string }[] = []
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.startsWith('testing')) continue
    const text = readFileSync(join(source, file), 'utf8')
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const [, pattern, flags] = /^\/(.*)\/(\w*)$/s.exec(node.text)!
        found.push({ where: file, pattern: pattern!, flags: flags! })
      }
      if (ts.isIdentifier(node) && node.text === 'RegExp')
        found.push({ where: file, pattern: '(made at run time*)*', flags: '' })
      ts.forEachChild(node, visit)
    }
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  }
  return found
}

/** The endless repetitions that hold another endless one. */
function nested(pattern: string, flags: string): string[] {
  const found: string[] = []
  const open: AST.Quantifier[] = []
  const tree = new RegExpParser().parsePattern(pattern, 0, pattern.length, {
    unicode: flags.includes('u'),
  })
  visitRegExpAST(tree, {
    onQuantifierEnter(node) {
      if (node.max !== Infinity) return
      if (open.length > 0) found.push(open[0]!.raw)
      open.push(node)
    },
    onQuantifierLeave(node) {
      if (node.max === Infinity) open.pop()
    },
  })
  return found
}

describe('the regular expressions of the client (A-74)', () => {
  it.each(expressions())('$where: /$pattern/ has no repetition in a repetition', (row) => {
    expect(nested(row.pattern, row.flags)).toEqual([])
  })

  it('are all looked at, and a bad one is found', () => {
    expect(expressions().length).toBeGreaterThan(20)
    expect(nested('^(a+)+$', '')).toEqual(['(a+)+'])
    expect(nested('^(?:x(?:a|b*))*$', '')).toEqual(['(?:x(?:a|b*))*'])
    expect(nested('^(?:a{2})+$', '')).toEqual([])
  })
})
