import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { conformance, idsIn, testNames } from '../../scripts/conformance.mjs'
import { readDocument, root } from './markdown.ts'

const rows = readDocument('docs/security.md')
  .split('## Threat model')[1]!
  .split('\n## ')[0]!
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| threat |'))
  .map((line) => {
    const [threat, measure, proof] = line.split('|').slice(1, -1)
    return { threat: threat!.trim(), measure: measure!.trim(), proof: proof!.trim() }
  })

/** The files a proof points to, each with the IDs and the names of tests it claims to find there. */
function claimsOf(proof: string) {
  return proof.split('<br>').map((part) => {
    const [, file, rest] = /^\[.+\]\(\.\.\/(.+)\): (.+)$/.exec(part) ?? []
    const quoted = [...(rest ?? '').matchAll(/"([^"]+)"/g)].map(([, name]) => name!)
    return { file: file ?? '', ids: idsIn(rest ?? ''), quoted }
  })
}

describe('the threat model', () => {
  test.each(rows)('$threat', ({ measure, proof }) => {
    expect(measure).not.toBe('')
    if (proof === 'none') {
      expect(measure).toMatch(/^Not promised: /)
      return
    }
    for (const { file, ids, quoted } of claimsOf(proof)) {
      expect(existsSync(join(root, file)), file).toBe(true)
      const names = testNames(readFileSync(join(root, file), 'utf8')).map((titles) =>
        titles.join(' › '),
      )
      const found = new Set(names.flatMap((name) => idsIn(name)))
      expect(ids.length + quoted.length, proof).toBeGreaterThan(0)
      for (const id of ids) expect(found, `${id} in ${file}`).toContain(id)
      for (const one of quoted)
        expect(
          names.some((name) => name.includes(one)),
          `${one} in ${file}`,
        ).toBe(true)
    }
  })

  test('has every attack that can be made on this client', () => {
    const { notApplicable, planned, differently, rows: all } = conformance().data
    const mentioned = new Set(
      rows.flatMap(({ proof }) => claimsOf(proof)).flatMap(({ ids }) => ids),
    )
    const missing = Object.keys(all)
      .filter((id) => id.startsWith('A-'))
      .filter((id) => !mentioned.has(id))
      .filter((id) => ![notApplicable, planned, differently].some((list) => id in list))
    expect(missing).toEqual([])
  })
})
