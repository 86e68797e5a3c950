import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Linter } from 'eslint'
import { createProgram } from 'typescript'
import type { CompilerOptions } from 'typescript'
import tseslint from 'typescript-eslint'
import { onTestFinished } from 'vitest'

/** What a rule of the project says about files, which form a TypeScript program: by file, its messages. */
export function lint(
  rule: object,
  files: Record<string, string>,
  options: CompilerOptions,
): Map<string, Linter.LintMessage[]> {
  const cwd = mkdtempSync(join(tmpdir(), 'pkce-client-lint-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  const sources = Object.entries(files).map(([name, text]) => ({
    name,
    text,
    file: join(cwd, name),
  }))
  for (const { file, text } of sources) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const program = createProgram(
    sources.map(({ file }) => file),
    { types: [], strict: true, ...options },
  )
  const config = {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { programs: [program] } },
    plugins: { project: { rules: { rule } } },
    rules: { 'project/rule': 'error' },
  } as Linter.Config
  const linter = new Linter({ cwd })
  return new Map(sources.map(({ name, text, file }) => [name, linter.verify(text, config, file)]))
}
