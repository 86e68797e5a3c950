import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A code block of a document: ```` ```ts name.ts ````. Blocks of one document import each other by name. */
export interface Snippet {
  document: string
  name: string
  code: string
  /** Of the first line of code. */
  line: number
}

/** The root of the repository. */
export const root = join(import.meta.dirname, '../..')

export function readDocument(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}

/** The documents written by hand, relative to the root of the repository. */
export function documents(): string[] {
  const markdown = (folder: string) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => folder + name)
  return [...markdown(''), ...markdown('docs/')]
}

/** What a section of a document is about: the names in the first column of its tables, sorted. */
export function namesInTables(document: string, heading: string): string[] {
  const [, section] = readDocument(document).split(`\n${heading}\n`)
  return section!
    .split(/\n##/)[0]!
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...line.split(' | ')[0]!.matchAll(/`'?([\w-]+)/g)].map(([, name]) => name!))
    .sort()
}

/** The TypeScript blocks of a document. One without a name, or with a name used before, is a mistake. */
export function snippetsOf(document: string, text = readDocument(document)): Snippet[] {
  const snippets: Snippet[] = []
  let open: Snippet | undefined
  let inOther = false
  for (const [index, content] of text.split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(content)
    if (fence && (open || inOther)) {
      if (open) snippets.push(open)
      open = undefined
      inOther = false
    } else if (fence) {
      const [language = '', name] = fence[1]!.trim().split(' ')
      inOther = language !== 'ts' && language !== 'tsx'
      if (inOther) continue
      const where = `${document}:${index + 1}`
      if (!name?.endsWith(`.${language}`))
        throw new Error(`${where}: a block needs a name that ends in .${language}`)
      if (snippets.some((other) => other.name === name))
        throw new Error(`${where}: there is another block ${name}`)
      open = { document, name, code: '', line: index + 2 }
    } else if (open) open.code += `${content}\n`
  }
  if (open || inOther) throw new Error(`${document}: the last block is not closed`)
  return snippets
}
