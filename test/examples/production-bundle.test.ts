import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { build } from 'vite'
import type { Plugin } from 'vite'

const root = join(import.meta.dirname, '../..')
const place = mkdtempSync(join(tmpdir(), 'pkce-client-react-'))
afterAll(() => rmSync(place, { recursive: true }))

// As on the machine that builds an app; the one that tests says `test`.
beforeEach(() => void vi.stubEnv('NODE_ENV', 'production'))

/** What `vite build` makes of the React example: the paths of all files. */
async function buildReact(name: string, plugins: Plugin[] = []): Promise<string[]> {
  const outDir = join(place, name)
  await build({
    configFile: false,
    root: join(root, 'examples/react'),
    plugins,
    build: { outDir },
    logLevel: 'error',
  })
  return readdirSync(outDir, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .sort()
}

const hashes = (name: string, files: string[]) =>
  files.map((file) => [
    file.replace(join(place, name), ''),
    createHash('sha256').update(readFileSync(file)).digest('hex'),
  ])

/** Which of some words are in a build. */
const wordsIn = (files: string[], words: string[]) =>
  words.filter((word) => files.some((file) => readFileSync(file, 'utf8').includes(word)))

/** The file that makes the client, changed before it is built. */
const auth = (change: (code: string) => string): Plugin => ({
  name: 'change-auth',
  enforce: 'pre',
  transform: (code, id) => (id.endsWith('/auth.ts') ? change(code) : undefined),
})

/** The example as it would be if nobody had thought of devtools. */
function withoutDevtools(code: string): string {
  const changed = code
    .replace('devtools ? devtools.observe(options) : options', 'options')
    .split('\n')
    .filter((line) => !/pkce-client\/devtools|const devtools|devtools\?\./.test(line))
    .join('\n')
  expect(changed).toContain('new PkceClient(options)')
  expect(changed).not.toContain('evtools')
  return changed
}

const marks = ['pkce-devtools', 'lit-html', 'sequenceDiagram']

test('a production build of the React example is, to the byte, one without devtools', async () => {
  const built = await buildReact('with')
  expect(built.length).toBeGreaterThan(2)
  expect(hashes('with', built)).toEqual(
    hashes('without', await buildReact('without', [auth(withoutDevtools)])),
  )
  expect(wordsIn(built, marks)).toEqual([])
})

test('without the condition the devtools would be in it, and this be noticed', async () => {
  const always = auth((code) => code.replace('import.meta.env.DEV', 'true'))
  const built = await buildReact('always', [always])
  expect(wordsIn(built, marks)).toEqual(marks)
  expect(hashes('always', built)).not.toEqual(hashes('with', await buildReact('with')))
})
