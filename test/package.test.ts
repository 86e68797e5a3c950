import { createHash } from 'node:crypto'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { additionBudgets, sizeBudgets } from './bench/budgets.ts'
import { bundle, measureAddition, measureSize, readMainJob } from './bench/size.ts'
import { globalReads } from './support/global-reads.ts'
import { pack, run } from './support/npm.ts'
import { visitWithout, youngerFeatures } from './support/younger-features.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const place = mkdtempSync(join(tmpdir(), 'pkce-client-package-'))
const project = join(place, 'app')
let tarball = ''

const inApp = (program: string, args: readonly string[]) => run(program, args, { cwd: project })

function inProject(name: string, text: string): string {
  writeFileSync(join(project, name), text)
  return name
}

const tool = (name: string) => join(root, 'node_modules/.bin', name)

beforeAll(() => {
  tarball = pack(root, place)
  mkdirSync(project)
  inProject('package.json', JSON.stringify({ name: 'app', private: true }))
  // The one dependency comes from a tarball as well, so that nothing is asked of a registry.
  const dependency = pack(join(root, 'node_modules/oauth4webapi'), place, ['--ignore-scripts'])
  inApp('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball, dependency])
})

afterAll(() => rmSync(place, { recursive: true, force: true }))

describe('the tarball', () => {
  test('holds what a user needs and nothing else', () => {
    const files = inApp('tar', ['-tzf', tarball]).split('\n')
    expect(files.map((file) => file.replace(/^package\//, '')).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'dist/devtools.cjs',
      'dist/devtools.d.cts',
      'dist/devtools.d.ts',
      'dist/devtools.js',
      'dist/index.cjs',
      'dist/index.d.cts',
      'dist/index.d.ts',
      'dist/index.js',
      'dist/node.cjs',
      'dist/node.d.cts',
      'dist/node.d.ts',
      'dist/node.js',
      'dist/pkce-client.iife.js',
      'dist/pkce-client.iife.js.map',
      'dist/server.cjs',
      'dist/server.d.cts',
      'dist/server.d.ts',
      'dist/server.js',
      'dist/testing.cjs',
      'dist/testing.d.cts',
      'dist/testing.d.ts',
      'dist/testing.js',
      'docs/api-calls.md',
      'docs/back-end-session.md',
      'docs/devtools.md',
      'docs/dpop.md',
      'docs/entra.md',
      'docs/errors.md',
      'docs/figures/devtools.png',
      'docs/figures/how-it-works.svg',
      'docs/figures/one-refresh.svg',
      'docs/figures/sign-in.svg',
      'docs/figures/states.svg',
      'docs/getting-started.md',
      'docs/how-it-works.md',
      'docs/mcp.md',
      'docs/native-and-cli.md',
      'docs/playground.md',
      'docs/popup.md',
      'docs/protected-pages.md',
      'docs/providers.md',
      'docs/pushed-requests.md',
      'docs/reference.md',
      'docs/refresh-through-a-back-end.md',
      'docs/security.md',
      'docs/server-express.md',
      'docs/server-fastify.md',
      'docs/server-hono.md',
      'docs/server-next.md',
      'docs/server-rendering.md',
      'docs/server-stores.md',
      'docs/server.md',
      'docs/sessions.md',
      'docs/several-apis.md',
      'docs/sign-in-on-demand.md',
      'docs/testing-your-app.md',
      'docs/verifying-tokens.md',
      'package.json',
    ])
  })

  test('is the same to the byte when it is built and packed again', () => {
    const hash = (file: string) => createHash('sha512').update(readFileSync(file)).digest('hex')
    expect(hash(pack(root, place))).toBe(hash(tarball))
  })

  test('brings one dependency', () => {
    expect(
      readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')),
    ).toEqual(['oauth4webapi', 'pkce-client'])
  })

  test('has no complaint from publint', () => {
    expect(inApp(tool('publint'), ['run', '--strict', tarball])).toContain('All good!')
  })

  test('has types that are right for every module resolution', () => {
    inApp(tool('attw'), ['--no-definitely-typed', tarball])
  })
})

const journey = `
  const server = createAuthServer()
  const auth = new PkceClient({
    issuer: server.issuer,
    clientId: 'production-app',
    redirectUri: 'https://app.example.com/callback',
    resources: [server.api.url],
    fetch: server.fetch,
  })
  await server.signInTo(auth)
  const me = await auth.fetch(server.api.url + 'users/me')
  console.log(auth.getSession().status, me.status)
`

describe('installed in an empty project', () => {
  test('signs in as an ES module', () => {
    const program = inProject(
      'app.mjs',
      `import { PkceClient } from 'pkce-client'
      import { createAuthServer } from 'pkce-client/testing'
      ${journey}`,
    )
    expect(inApp('node', [program])).toBe('signed-in 200')
  })

  test('signs in as a CommonJS module', () => {
    const program = inProject(
      'app.cjs',
      `const { PkceClient } = require('pkce-client')
      const { createAuthServer } = require('pkce-client/testing')
      async function main() { ${journey} }
      main()`,
    )
    expect(inApp('node', [program])).toBe('signed-in 200')
  })

  test('signs in as a script, through the global pkceClient', () => {
    const program = inProject(
      'script.mjs',
      `import { readFileSync } from 'node:fs'
      import { runInThisContext } from 'node:vm'
      import { createAuthServer } from 'pkce-client/testing'
      const before = Object.getOwnPropertyNames(globalThis)
      runInThisContext(readFileSync('node_modules/pkce-client/dist/pkce-client.iife.js', 'utf8'))
      console.log(Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name)).join())
      const { PkceClient } = pkceClient
      ${journey}`,
    )
    expect(inApp('node', [program])).toBe('pkceClient\nsigned-in 200')
  })

  test('serves the reference server to a real client over a real port', () => {
    const program = inProject(
      'listen.cjs',
      `const { createAuthServer } = require('pkce-client/testing')
      async function main() {
        const { url, close } = await createAuthServer().listen()
        const metadata = await (await fetch(url + '/.well-known/openid-configuration')).json()
        console.log(metadata.issuer === url)
        await close()
      }
      main()`,
    )
    expect(inApp('node', [program])).toBe('true')
  })

  test.each([
    ['an ES module', 'mjs', (name: string) => `await import('${name}')`],
    ['a CommonJS module', 'cjs', (name: string) => `require('${name}')`],
  ])('signs in at a back end, as %s', (_, type, load) => {
    const program = inProject(
      `back-end.${type}`,
      `async function main() {
        const { ServerClient } = ${load('pkce-client/server')}
        const { createAuthServer, createVisitor } = ${load('pkce-client/testing')}
        const redirectUris = ['https://app.example.com/auth/callback']
        const server = createAuthServer({ clients: [{ clientId: 'web', redirectUris }] })
        const auth = new ServerClient({
          issuer: server.issuer,
          clientId: 'web',
          baseUrl: 'https://app.example.com',
          secret: 'a secret of this app that nobody guesses',
          fetch: server.fetch,
        })
        const visitor = createVisitor(auth.handle, { server })
        await visitor.goto('/auth/login?returnTo=/auth/session')
        console.log(JSON.parse((await visitor.signIn()).text).status)
      }
      main()`,
    )
    expect(inApp('node', [program])).toBe('signed-in')
  })

  test.each([
    ['an ES module', 'mjs', (name: string) => `await import('${name}')`],
    ['a CommonJS module', 'cjs', (name: string) => `require('${name}')`],
  ])('signs in from a terminal, as %s', (_, type, load) => {
    const program = inProject(
      `terminal.${type}`,
      `async function main() {
        const { PkceClient } = ${load('pkce-client')}
        const { loopback } = ${load('pkce-client/node')}
        const { createAuthServer } = ${load('pkce-client/testing')}
        const redirectUri = 'http://127.0.0.1/callback'
        const server = createAuthServer({ clients: [{ clientId: 'cli', redirectUris: [redirectUri] }] })
        const auth = new PkceClient({
          issuer: server.issuer,
          clientId: 'cli',
          redirectUri,
          fetch: server.fetch,
          navigator: loopback({ open: async (url) => void fetch(await server.authorize(url)) }),
        })
        console.log((await auth.signIn()).status)
        // That the program ends is part of the test.
      }
      main()`,
    )
    expect(inApp('node', [program])).toBe('signed-in')
  })

  test('offers the same names as an ES module, a CommonJS module and a script', () => {
    const program = inProject(
      'names.mjs',
      `import { readFileSync } from 'node:fs'
      import { createRequire } from 'node:module'
      import { runInThisContext } from 'node:vm'
      import * as esm from 'pkce-client'
      const cjs = createRequire(import.meta.url)('pkce-client')
      runInThisContext(readFileSync('node_modules/pkce-client/dist/pkce-client.iife.js', 'utf8'))
      for (const names of [esm, cjs, pkceClient]) console.log(Object.keys(names).sort().join())`,
    )
    const [esm, ...others] = inApp('node', [program]).split('\n')
    expect(esm).toContain('PkceClient')
    expect(others).toEqual([esm, esm])
  })

  test('reads no global of the platform when it is imported and a client is made', () => {
    const program = inProject('reads.mjs', globalReads('pkce-client'))
    expect(inApp('node', [program])).toBe('')
  })

  test('works without anything that the oldest engines of the README lack (F26)', () => {
    const features = youngerFeatures()
    // A list that is empty, or knows too little, would prove nothing.
    expect(features).toEqual(
      expect.arrayContaining([
        ...['URL.canParse_static', 'URL.parse_static', 'AbortSignal.any_static', 'Response.bytes'],
        ...['Array.fromAsync', 'Promise.withResolvers', 'Object.groupBy', 'Array.findLast'],
      ]),
    )
    expect(features).not.toContain('URL')
    const program = inProject('oldest.mjs', visitWithout(features))
    expect(inApp('node', [program])).toBe(
      'undefined https://app.example.com/here 200 200 true signed-out',
    )
  })

  test('recognises an error of another copy of the package', () => {
    const program = inProject(
      'errors.mjs',
      `import { createRequire } from 'node:module'
      import { PkceClientError, isPkceClientError } from 'pkce-client'
      const other = createRequire(import.meta.url)('pkce-client')
      try {
        new other.PkceClient({})
      } catch (error) {
        console.log(error instanceof PkceClientError, isPkceClientError(error), error.code)
      }`,
    )
    expect(inApp('node', [program])).toBe('false true invalid_option')
  })
})

const typed = `
  const server: AuthServer = createAuthServer({ clock: createFakeClock() })
  const auth = new PkceClient({
    issuer: server.issuer,
    clientId: 'production-app',
    redirectUri: 'https://app.example.com/callback',
    fetch: server.fetch,
    store: memoryStore(),
    navigator: [redirect(), loopback({ open: (url) => url })],
  })
  export const session: Session = auth.getSession()
  export const sessions: SessionStore = memorySessions()
  export const result: Promise<CallbackResult | undefined> = server.signInTo(auth)
`
const imports = `
  import { PkceClient, memoryStore, redirect, type CallbackResult, type Session } from 'pkce-client'
  import { loopback } from 'pkce-client/node'
  import { memorySessions, type SessionStore } from 'pkce-client/server'
  import { createAuthServer, createFakeClock, type AuthServer } from 'pkce-client/testing'
`

describe('the types', () => {
  beforeAll(() => {
    inProject('esm.mts', imports + typed)
    inProject('cjs.cts', imports + typed)
  })

  /** Compiles one file, and checks the libraries with it. */
  function compile(file: string, options: { lib: string[]; types?: string[]; module: string }) {
    const compilerOptions = {
      ...{ noEmit: true, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false },
      ...{ target: 'es2022', types: [], ...options },
      moduleResolution: options.module === 'nodenext' ? 'nodenext' : 'bundler',
    }
    inProject('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }))
    inApp(tool('tsc'), ['-p', '.'])
  }

  test.each([
    ['ES modules in Node', { file: 'esm.mts', module: 'nodenext' }],
    ['CommonJS modules in Node', { file: 'cjs.cts', module: 'nodenext' }],
    ['a bundler', { file: 'esm.mts', module: 'esnext' }],
  ])('compile for %s, with nothing else installed', (_, { file, module }) => {
    compile(file, { lib: ['es2022', 'dom'], module })
  })

  test('compile for a program without a page, with the types of Node alone', () => {
    for (const name of ['@types/node', 'undici-types']) {
      const from = join(root, 'node_modules', name)
      cpSync(from, join(project, 'node_modules', name), { recursive: true })
    }
    compile('esm.mts', { lib: ['es2022'], types: ['node'], module: 'nodenext' })
  })
})

describe('the size', () => {
  test.each(Object.keys(sizeBudgets))('of %s does not grow', async (name) => {
    const { bytes, ceiling } = await measureSize(root, name as keyof typeof sizeBudgets)
    expect(bytes).toBeLessThanOrEqual(ceiling)
  })

  test('of the main job has nothing of what is imported by itself', async () => {
    const text = await readMainJob(root)
    expect(text).toMatch(/function redirect\(/)
    for (const name of Object.keys(additionBudgets).flatMap((names) => names.split(', ')))
      expect(text).not.toMatch(new RegExp(`function ${name}\\(`))
    expect(text).not.toMatch(
      /popup_blocked|iframe_blocked|createElement|backEndSession|x-csrf-token/,
    )
  })

  test('of the session of a back end has nothing of oauth4webapi', async () => {
    const text = await bundle(root, {
      program: sizeBudgets['the session of a back end only'].imports,
      minify: false,
    })
    expect(text).toMatch(/function backEndSession\(/)
    expect(text).not.toMatch(/oauth4webapi|code_verifier|refresh_token/)
  })

  test.each(Object.keys(additionBudgets))('that %s() adds does not grow', async (name) => {
    const { bytes, ceiling } = await measureAddition(root, name as keyof typeof additionBudgets)
    // Less than nothing would be a name that the package does not have.
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThanOrEqual(ceiling)
  })
})
