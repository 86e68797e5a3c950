import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Application, LogLevel, ReflectionKind, TSConfigReader, TypeDocReader } from 'typedoc'
import type { DeclarationReflection, ProjectReflection } from 'typedoc'
import type { PkceClient } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'
import { loadApp } from './app.ts'
import { namesInTables, root } from './markdown.ts'

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

const namesIn = (heading: string) => namesInTables('docs/reference.md', heading)

const membersOf = (name: string) =>
  (project.getChildByName(['index', name]) as DeclarationReflection)
    .children!.filter(({ name, flags }) => name !== 'constructor' && !flags.isPrivate)
    .map(({ name }) => name)
    .sort()

test.each([
  ['## Options', 'PkceClientOptions'],
  ['## Methods', 'PkceClient'],
  ['### What signIn and createAuthorizationUrl take', 'SignInParams'],
  ['## Events', 'EventMap'],
])('%s of the document are those of %s', (heading, name) => {
  expect(namesIn(heading)).toEqual(membersOf(name))
})

test.each([
  ['## Everything else', 'index', ['PkceClient']],
  ['## pkce-client/devtools', 'devtools', []],
  ['## pkce-client/node', 'node', []],
  ['## pkce-client/server', 'server', []],
])('%s of the document has every other public name of %s', (heading, entry, others) => {
  const names = project.children!.find(({ name }) => name.startsWith(entry))!.children!
  expect([...namesIn(heading), ...others].sort()).toEqual(names.map(({ name }) => name).sort())
})

test('without a page, a person signs in by an address that the app hands out', async () => {
  const redirectUris = ['http://127.0.0.1:8123/callback']
  const server = createAuthServer({ clients: [{ clientId: 'my-app', redirectUris }] })
  vi.stubGlobal('fetch', server.fetch)
  const { auth, signIn } = (await loadApp('docs/reference.md').run('without-a-page')) as {
    auth: PkceClient
    signIn: (visit: (url: URL) => Promise<string>) => Promise<unknown>
  }
  await signIn((url) => server.authorize(url))
  expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
  expect((await auth.fetch('https://api.example.com/users/me')).status).toBe(200)
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
