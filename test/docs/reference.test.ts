import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Application, LogLevel, ReflectionKind, TSConfigReader, TypeDocReader } from 'typedoc'
import type { DeclarationReflection, ProjectReflection } from 'typedoc'
import { root } from './markdown.ts'

const said: string[] = []
const output = mkdtempSync(join(tmpdir(), 'pkce-client-docs-'))
let project: ProjectReflection

beforeAll(async () => {
  // As `npm run docs` does it, to another place.
  const app = await Application.bootstrap({ options: `${root}/typedoc.json` }, [
    new TypeDocReader(),
    new TSConfigReader(),
  ])
  app.logger.log = (message, level) => {
    if (level >= LogLevel.Warn) said.push(message)
  }
  const converted = await app.convert()
  if (!converted) throw new Error(said.join('\n'))
  project = converted
  app.validate(project)
  await app.generateDocs(project, output)
}, 120_000)

afterAll(() => rmSync(output, { recursive: true }))

test('the reference builds without a warning', () => {
  expect(said).toEqual([])
})

test('every public name of the package has a sentence that says what it is', () => {
  const missing: string[] = []
  for (const entry of project.children!) {
    for (const name of entry.children!) check(name, missing)
  }
  expect(missing).toEqual([])
})

/** Names of the package, and the members that its users read, call or implement. */
function check(reflection: DeclarationReflection, missing: string[]): void {
  const { signatures = [], children = [] } = reflection
  const isSilent = [reflection, ...signatures].every((one) => !one.hasComment())
  if (isSilent && !reflection.inheritedFrom) missing.push(reflection.getFullName())
  // The faults of the test server speak for themselves.
  if (reflection.name === 'FaultOptions') return
  for (const child of children) {
    if (!child.kindOf(ReflectionKind.TypeLiteral) && !child.flags.isPrivate) check(child, missing)
  }
}
