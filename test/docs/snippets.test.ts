import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { typeCheck } from './compile.ts'
import { documents, readDocument, root, snippetsOf } from './markdown.ts'
import type { Snippet } from './markdown.ts'

const snippets = documents().flatMap((document) => snippetsOf(document))
const complaints = typeCheck(snippets)

describe('every code block of the documents compiles against the package', () => {
  test.each(snippets.map((snippet) => [`${snippet.document}, ${snippet.name}`, snippet] as const))(
    '%s',
    (_, snippet) => {
      expect(complaints.get(snippet)).toEqual([])
    },
  )
})

// Each one is compiled by itself, with the types of everything it could import.
describe('a code block that would not work is found', { timeout: 60_000 }, () => {
  const wrong = (code: string): Snippet => ({ document: 'X.md', name: 'wrong.ts', code, line: 10 })

  test('an option that does not exist', () => {
    const snippet = wrong(
      `import { PkceClient } from 'pkce-client'\n\nnew PkceClient({ issuer: '', clientId: '', redirectUrl: '' })\n`,
    )
    expect(typeCheck([snippet]).get(snippet)).toEqual([
      expect.stringMatching(/^X\.md:12: .*redirectUrl/),
    ])
  })

  test('a name that is not exported', () => {
    const snippet = wrong(`import { PkceCleint } from 'pkce-client'\n`)
    expect(typeCheck([snippet]).get(snippet)).toEqual([expect.stringMatching(/PkceCleint/)])
  })

  test('a syntax error', () => {
    const snippet = wrong('const a =\n')
    expect(typeCheck([snippet]).get(snippet)).not.toEqual([])
  })

  test('a block without a name, twice the same name, a block left open', () => {
    expect(() => snippetsOf('X.md', '```ts\na\n```\n')).toThrow('X.md:1: a block needs a name')
    expect(() => snippetsOf('X.md', '```ts a.ts\n```\n\n```ts a.ts\n```\n')).toThrow('X.md:4')
    expect(() => snippetsOf('X.md', '```sh\nnpm ci\n')).toThrow('not closed')
  })
})

/** The headings of a document, as GitHub makes anchors of them. */
const anchorsOf = (document: string) =>
  [...readDocument(document).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('every link to another place of the repository leads somewhere', () => {
  const broken = documents().flatMap((document) =>
    [...readDocument(document).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)]
      .filter(([, path, anchor]) => {
        const target = path ? join(dirname(document), path) : document
        if (!existsSync(join(root, target))) return true
        return anchor !== undefined && !anchorsOf(target).includes(anchor)
      })
      .map(([link]) => `${document}: ${link}`),
  )
  expect(broken).toEqual([])
})
