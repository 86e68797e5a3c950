import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore, PkceClient } from 'pkce-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { mayOpen } from '../../scripts/may-open.mjs'
import { launch } from './browser.ts'

const root = join(import.meta.dirname, '../..')

/** What `npm start` does once the package is built: what it prints until it has said everything, or until it gives up. */
async function start(env: Record<string, string> = {}, ...args: string[]): Promise<string> {
  const names = ['ISSUER', 'API', 'PLAYGROUND', 'VANILLA', 'REACT', 'SERVER'].map(
    (what) => `${what}_PORT`,
  )
  const ports = await Promise.all(names.map(async (name) => [name, String(await freePort())]))
  const program = spawn(process.execPath, ['scripts/start.mjs', ...args], {
    cwd: root,
    env: { ...process.env, ...Object.fromEntries(ports), ...env },
  })
  const ended = once(program, 'exit')
  onTestFinished(async () => {
    program.kill()
    await ended
  })
  let printed = ''
  program.stderr.on('data', (part: Buffer) => (printed += part.toString()))
  return new Promise((resolve) => {
    program.once('exit', () => resolve(printed))
    program.stdout.on('data', (part: Buffer) => {
      printed += part.toString()
      if (printed.includes('Ctrl-C')) resolve(printed)
    })
  })
}

const addressOf = (printed: string, name: string) =>
  new RegExp(`${name} +(http://\\S+)`).exec(printed)![1]!

/** The client that the printed options make. */
function ownApp(printed: string): PkceClient {
  const option = (name: string) => new RegExp(` ${name}: \\[?'([^']+)'`).exec(printed)![1]!
  return new PkceClient({
    issuer: option('issuer'),
    clientId: option('clientId'),
    redirectUri: option('redirectUri'),
    postSignOutRedirectUri: option('postSignOutRedirectUri'),
    scope: option('scope'),
    resources: [option('resources')],
    store: memoryStore(),
  })
}

describe('npm start', () => {
  test('an example works at localhost and at 127.0.0.1, whichever a person types (N9)', async () => {
    const address = addressOf(await start(), 'Vanilla example')
    const browser = await launch()
    onTestFinished(() => browser.close())
    const people = [
      { host: 'localhost', username: 'ada', password: 'lovelace', name: 'Ada Lovelace' },
      { host: '127.0.0.1', username: 'grace', password: 'hopper', name: 'Grace Hopper' },
    ]
    for (const { host, username, password, name } of people) {
      const page = await (await browser.newContext()).newPage()
      const there = Object.assign(new URL(address), { hostname: host }).href
      await page.goto(there)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByLabel('Username').fill(username)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('button', { name: 'Allow' }).click()
      await page
        .getByRole('status')
        .filter({ hasText: `Signed in as ${name}` })
        .waitFor()
      expect(page.url()).toBe(there)
    }
  })

  test('the playground is the first thing that is printed, with what to look at', async () => {
    const printed = await start({}, '--no-open')
    const [first = '', , ...lines] = printed.trim().split('\n')
    expect(first).toMatch(/^Playground +http:/)
    expect(lines.slice(0, 3)).toEqual([
      expect.stringContaining('"Sign in"'),
      expect.stringContaining('"API answers 401"'),
      expect.stringContaining('"Steal the code"'),
    ])
    const page = await fetch(addressOf(printed, 'Playground'))
    expect(await page.text()).toContain('<title>pkce-client playground</title>')
  })

  test('the server example sends who types localhost to its own name (N9)', async () => {
    const address = addressOf(await start(), 'Server example')
    const there = Object.assign(new URL('/login', address), { hostname: 'localhost' })
    const response = await fetch(there)
    expect(response.url).toBe(new URL('/login', address).href)
    expect(await response.text()).toContain('lovelace')
  })

  test.each([
    [undefined, 'http://localhost:5173'],
    ['http://localhost:3000', 'http://localhost:3000'],
  ])(
    "a visitor's own app signs in with the options that are printed (APP_ORIGIN=%s) (N9)",
    async (given, origin) => {
      const printed = await start(given === undefined ? {} : { APP_ORIGIN: given })
      const auth = ownApp(printed)
      const { url } = await auth.createAuthorizationUrl()
      expect(url.searchParams.get('redirect_uri')).toBe(`${origin}/callback`)
      const answer = await fetch(url, { headers: { accept: 'text/html' } })
      expect([answer.status, await answer.text()]).toEqual([
        200,
        expect.stringContaining('Your own app'),
      ])
      const preflight = await fetch(`${addressOf(printed, 'API').replace('public', '')}orders`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'GET' },
      })
      expect(preflight.headers.get('access-control-allow-origin')).toBe(origin)
    },
  )

  test.each([
    ['REACT_PORT', 'no', 'REACT_PORT=no is not a port number'],
    ['APP_ORIGIN', 'localhost:5173', 'APP_ORIGIN=localhost:5173 is not an origin'],
    ['APP_ORIGIN', 'http://localhost:5173/', 'is not an origin such as http://localhost:5173'],
  ])(
    '%s=%s is refused with a sentence that says what would be right (N9)',
    async (name, value, said) => {
      expect(await start({ [name]: value })).toContain(said)
    },
  )
})

describe('the playground is opened in the browser', () => {
  const somewhere = { args: [], env: {}, isTerminal: true, platform: 'darwin' as const }
  test.each([
    ['in a terminal', {}, true],
    ['with a screen on Linux', { platform: 'linux' as const, env: { DISPLAY: ':0' } }, true],
    ['with Wayland', { platform: 'linux' as const, env: { WAYLAND_DISPLAY: 'wayland-0' } }, true],
    ['not without a screen', { platform: 'linux' as const }, false],
    ['not in CI', { env: { CI: 'true' } }, false],
    ['not where nobody looks', { isTerminal: false }, false],
    ['not with --no-open', { args: ['--store', 'memory', '--no-open'] }, false],
  ])('%s (N9)', (_, place, opens) => {
    expect(mayOpen({ ...somewhere, ...place })).toBe(opens)
  })
})

test('none of the ports is one that development servers take by default (N9)', () => {
  const text = readFileSync(join(root, 'scripts/start.mjs'), 'utf8')
  const ports = [...text.matchAll(/port: (\d+)/g)].map(([, port]) => Number(port))
  expect(ports).toHaveLength(6)
  // Next.js and Remix, Angular, Vite, its preview, webpack.
  for (const taken of [3000, 4200, 5173, 5174, 4173, 8080]) expect(ports).not.toContain(taken)
})
