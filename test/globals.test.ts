import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import { createElement, useSyncExternalStore } from 'react'
import { renderToString } from 'react-dom/server'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { PkceClient, unknownSession } from 'pkce-client'
import { globalReads, options } from './support/global-reads.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

// Among the modules, so that the programs find oauth4webapi.
const place = fileURLToPath(new URL('../node_modules/.cache/pkce-client-globals', import.meta.url))

function program(name: string, text: string): string {
  writeFileSync(join(place, name), text)
  return join(place, name)
}

/** Runs a program in a Node process of its own; fails when it does not end by itself. */
function run(name: string, text: string): string {
  const args = [program(name, text)]
  return execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 }).trim()
}

// Plain Node has no module runner of a test tool in it, which reads globals of its own.
beforeAll(async () => {
  mkdirSync(place, { recursive: true })
  await build({
    entryPoints: { sdk: 'src/index.ts', testing: 'src/testing/index.ts' },
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    outdir: place,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    external: ['oauth4webapi', 'node:*'],
  })
})

afterAll(() => rmSync(place, { recursive: true, force: true }))

test('importing the package and constructing a client reads no global of the platform, not even with typeof', () => {
  expect(run('reads.mjs', globalReads('./sdk.mjs'))).toBe('')
})

test('the watch on globals notices a read', () => {
  const text = globalReads('./sdk.mjs').replace('new PkceClient', 'typeof document; new PkceClient')
  expect(run('noticed.mjs', text)).toContain('document')
})

test('a client in a process that has no page starts signed out, and lets the process end', () => {
  const text = `
    import { PkceClient } from './sdk.mjs'
    const auth = new PkceClient(${options})
    auth.subscribe(() => console.log(auth.getSession().status))
    await auth.start()`
  expect(run('bare.mjs', text)).toBe('signed-out')
})

test('a signed-in client that listens to other tabs lets the process end', () => {
  const text = `
    import { PkceClient, webStorageStore } from './sdk.mjs'
    import { createAuthServer } from './testing.mjs'
    const server = createAuthServer()
    const values = new Map()
    const storage = {
      get length() { return values.size },
      key: (index) => [...values.keys()][index] ?? null,
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => void values.set(key, value),
      removeItem: (key) => void values.delete(key),
    }
    const auth = new PkceClient({
      ...${options},
      fetch: server.fetch,
      store: webStorageStore(storage, { shared: true }),
    })
    await auth.start()
    await server.signInTo(auth)
    await auth.refresh()
    console.log(auth.getSession().status)`
  expect(run('shared.mjs', text)).toBe('signed-in')
})

test('a client works in a worker, and lets the worker end', async () => {
  const text = `
    import { parentPort } from 'node:worker_threads'
    import { PkceClient } from './sdk.mjs'
    import { createAuthServer } from './testing.mjs'
    const server = createAuthServer()
    const auth = new PkceClient({ ...${options}, fetch: server.fetch })
    await server.signInTo(auth)
    const { status } = await auth.fetch(server.api.url + 'users/me')
    parentPort.postMessage([auth.getSession().status, status])`
  const worker = new Worker(program('worker.mjs', text))
  const said: unknown[] = []
  worker.on('message', (message) => said.push(message))
  const code = await new Promise((resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', resolve)
  })
  expect({ said, code }).toEqual({ said: [['signed-in', 200]], code: 0 })
})

test('a component renders on a server, where nobody knows yet who is signed in', () => {
  const auth = new PkceClient({
    issuer: 'https://login.example.com',
    clientId: 'my-spa',
    redirectUri: 'https://app.example.com/callback',
  })
  function Greeting() {
    const session = useSyncExternalStore(auth.subscribe, auth.getSession, () => unknownSession)
    return createElement('p', null, session.status)
  }
  expect(renderToString(createElement(Greeting))).toBe('<p>unknown</p>')
})
