import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthServer } from 'pkce-client/testing'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { launch } from './browser/browser.ts'
import { freePort } from './support/free-port.ts'
import { pack, run } from './support/npm.ts'

// The Next.js example, installed with the packed package, built for production and visited (N7).

const root = join(import.meta.dirname, '..')
const example = 'examples/next'
const place = mkdtempSync(join(tmpdir(), 'pkce-client-next-'))
const project = join(place, example)
const server = createAuthServer({
  clients: [
    {
      clientId: 'my-app',
      name: 'Next.js example',
      kind: 'external',
      redirectUris: ['http://127.0.0.1/callback'],
      postLogoutRedirectUris: ['http://127.0.0.1/'],
    },
  ],
})
let app = ''
let browser: Browser
let program: ChildProcess
let door: { close(): Promise<void> }

beforeAll(async () => {
  door = await server.listen({ host: '127.0.0.1' })
  // The example depends on `../..`, where the contents of the tarball are now.
  const tarball = pack(root, place, ['--ignore-scripts'])
  run('tar', ['-xzf', tarball, '--strip-components=1'], { cwd: place })
  cpSync(join(root, example), project, {
    recursive: true,
    filter: (source) => !/[\\/](?:node_modules|\.next)(?:[\\/]|$)/.test(source.slice(root.length)),
  })
  run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: project })
  const port = String(await freePort())
  app = `http://127.0.0.1:${port}/`
  const env = {
    NEXT_PUBLIC_APP: app.slice(0, -1),
    NEXT_PUBLIC_ISSUER: server.issuer,
    NEXT_TELEMETRY_DISABLED: '1',
    NODE_ENV: 'production',
  }
  run('npx', ['next', 'build'], { cwd: project, env })
  program = await serve(port, env)
  browser = await launch()
}, 600_000)

afterAll(async () => {
  program.kill()
  await Promise.all([browser.close(), door.close()])
  rmSync(place, { recursive: true, force: true })
})

/** Starts what was built, and waits until it listens. */
async function serve(port: string, env: Record<string, string>): Promise<ChildProcess> {
  const next = join(project, 'node_modules/next/dist/bin/next')
  const started = spawn(process.execPath, [next, 'start', '-H', '127.0.0.1', '-p', port], {
    cwd: project,
    env: { ...process.env, ...env },
  })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    const listen = (part: Buffer) => {
      said += part.toString()
      if (said.includes('Ready')) resolve()
    }
    started.stdout.on('data', listen)
    started.stderr.on('data', listen)
    started.once('exit', () => reject(new Error(said)))
  })
  return started
}

/** A browser of somebody new, what its console says, and every text that a page showed, in order. */
async function visit() {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    const isIcon = message.location().url.endsWith('/favicon.ico')
    if (['error', 'warning'].includes(message.type()) && !isIcon) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.addInitScript(() => {
    const shown: string[] = []
    Object.assign(window, { shown })
    new MutationObserver(() => {
      const text = document.querySelector('main')?.textContent
      if (text && text !== shown.at(-1)) shown.push(text)
    }).observe(document, { childList: true, characterData: true, subtree: true })
  })
  const shown = () => page.evaluate(() => (window as unknown as { shown: string[] }).shown)
  return { page, complaints, shown }
}

async function logIn(page: Page, answer: 'Allow' | 'Deny'): Promise<void> {
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel('Username').fill('ada')
  await page.getByLabel('Password').fill('lovelace')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: answer }).click()
}

const title = 'Next.js example'
const greeting = (page: Page) => page.getByText('Hello Ada Lovelace').waitFor()

test('what is rendered before anybody visits knows no user, and asks nobody to sign in (N7)', () => {
  const html = readFileSync(join(project, '.next/server/app/index.html'), 'utf8')
  expect(html).toContain('One moment…')
  expect(html).not.toContain('Sign in')
  expect(html).not.toContain('role="alert"')
})

test('a person who denies is told so, and can try again (N7)', async () => {
  const { page, complaints } = await visit()
  await page.goto(`${app}?page=2`)
  await logIn(page, 'Deny')
  await page.getByRole('alert').filter({ hasText: 'did not sign the' }).waitFor()
  await page.waitForURL(`${app}?page=2`)
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  expect(complaints).toEqual([])
})

test('a person signs in, reloads and signs out; nothing flashes, and React has no complaint (N7)', async () => {
  const { page, complaints, shown } = await visit()
  await page.goto(`${app}?page=2`)
  await logIn(page, 'Allow')
  await greeting(page)
  await page.waitForURL(`${app}?page=2`)
  expect(await shown()).toEqual([`${title}One moment…`, `${title}Hello Ada Lovelace Sign out`])

  const before = server.requests.length
  await page.reload()
  await greeting(page)
  expect(await shown()).toEqual([`${title}One moment…`, `${title}Hello Ada Lovelace Sign out`])
  expect(server.requests.length).toBe(before)

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(app)
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  expect(complaints).toEqual([])
})
