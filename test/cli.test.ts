import { execFile, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { createAuthServer } from 'pkce-client/testing'
import type { AuthServerOptions } from 'pkce-client/testing'

// The example on the built package, in processes of its own, against a server on real ports.

const program = fileURLToPath(new URL('../examples/cli/cli.js', import.meta.url))
const place = mkdtempSync(join(tmpdir(), 'pkce-client-cli-'))
afterAll(() => rmSync(place, { recursive: true }))

/** A user's machine: a home directory, and a browser that writes down what it is asked to show. */
async function openMachine(options: AuthServerOptions = {}) {
  const server = createAuthServer({
    clients: [{ clientId: 'cli-example', redirectUris: ['http://127.0.0.1/callback'] }],
    ...options,
  })
  const { url: issuer, apiUrl, close } = await server.listen()
  const home = mkdtempSync(join(place, 'home-'))
  const folder = join(home, '.pkce-client-example')
  const shown = join(home, 'shown')
  writeFileSync(
    join(home, 'xdg-open'),
    `#!/bin/sh\necho "$1" > "${shown}.part" && mv "${shown}.part" "${shown}"\n`,
  )
  chmodSync(join(home, 'xdg-open'), 0o755)
  const env = {
    ...process.env,
    ...{ HOME: home, ISSUER: issuer, API: apiUrl },
    PATH: `${home}${delimiter}${process.env['PATH']}`,
  }
  /** Runs a command of the example; one that does not end by itself is killed. */
  function start(command: string) {
    let child!: ChildProcess
    const done = new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
      const options = { env, timeout: 30_000 }
      child = execFile(process.execPath, [program, command], options, (error, out, err) =>
        resolve({ code: error ? error.code : 0, out, err }),
      )
    })
    return { child, done }
  }
  return {
    ...{ server, home, folder, start, close },
    run: (command: string) => start(command).done,
    /** What the browser shows. */
    async browser(): Promise<string> {
      await expect.poll(() => readdirSync(home), { timeout: 20_000 }).toContain('shown')
      return readFileSync(shown, 'utf8').trim()
    },
    files: () => readdirSync(folder).map((name) => ({ name, mode: modeOf(join(folder, name)) })),
  }
}
const modeOf = (path: string) => statSync(path).mode & 0o777

let machine: Awaited<ReturnType<typeof openMachine>>

async function signIn() {
  const signingIn = machine.run('sign-in')
  const url = await machine.browser()
  const page = await fetch(await machine.server.authorize(url))
  return { url, page: await page.text(), ...(await signingIn) }
}

beforeEach(async () => {
  machine = await openMachine()
  return () => machine.close()
})

describe('a user at a terminal', () => {
  test('signs in in the browser, calls the API later, and signs out', async () => {
    const { url, page, code, out, err } = await signIn()
    expect({ code, out }).toEqual({ code: 0, out: 'Signed in as Ada Lovelace.\n' })
    expect(err).toContain(url)
    expect(page).toContain('go back to the terminal')

    const me = await machine.run('me')
    expect({ code: me.code, err: me.err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(me.out)).toMatchObject({ name: 'Ada Lovelace' })

    expect(await machine.run('sign-out')).toEqual({ code: 0, out: 'Signed out.\n', err: '' })
    const revoked = machine.server.requestsTo('/revoke').map(({ form }) => form!['token']!)
    const kept = machine.files().map(({ name }) => readFileSync(join(machine.folder, name), 'utf8'))
    expect(revoked).not.toEqual([])
    for (const token of revoked) expect(kept.join()).not.toContain(token)
    expect(await machine.run('me')).toMatchObject({
      code: 1,
      err: 'You are not signed in: node cli.js sign-in\n',
    })
  })

  test('keeps what is secret in files that nobody else can read', async () => {
    await signIn()
    expect(modeOf(machine.folder)).toBe(0o700)
    expect(machine.files()).toEqual([{ name: expect.stringContaining('cli-example'), mode: 0o600 }])
  })

  test('stays signed in when the access token expires', async () => {
    await signIn()
    machine.server.expireAccessTokens()
    expect(await machine.run('me')).toMatchObject({ code: 0 })
    expect(await machine.run('me')).toMatchObject({ code: 0 })
    expect(machine.server.requestsTo('/token')).toHaveLength(2)
  })

  test('is not signed out by five commands at once: one of them refreshes', async () => {
    await signIn()
    machine.server.expireAccessTokens()
    const commands = await Promise.all(Array.from({ length: 5 }, () => machine.run('me')))
    expect(commands.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
    expect(machine.server.requestsTo('/token')).toHaveLength(2)
    expect(machine.server.revoked).toEqual([])
  })

  test('is not kept waiting by a command that was killed in the middle', async () => {
    await signIn()
    machine.server.expireAccessTokens()
    const [session] = readdirSync(machine.folder)
    const name = session!.replace('.json', '')
    const { pid } = spawnSync(process.execPath, ['--version'])
    writeFileSync(join(machine.folder, `${name}%7Cgrant%7C.lock`), String(pid))
    expect(await machine.run('me')).toMatchObject({ code: 0 })
    expect(readdirSync(machine.folder)).toEqual([session])
  })

  test('hears that the API does not answer as it should', async () => {
    await signIn()
    machine.server.fault('api-401', { challenge: 'Bearer error="insufficient_scope"' })
    expect(await machine.run('me')).toEqual({ code: 1, out: '', err: 'The API answered 401.\n' })
  })

  test('hears why nobody was signed in', async () => {
    const signingIn = machine.run('sign-in')
    const url = await machine.browser()
    await fetch(await machine.server.authorize(url, { consent: false }))
    expect(await signingIn).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('access_denied'),
    })
  })

  test('can sign in where no browser opens, by the address that is printed', async () => {
    rmSync(join(machine.home, 'xdg-open'))
    const { child, done } = machine.start('sign-in')
    let printed = ''
    child.stderr!.on('data', (text: string) => (printed += text))
    await expect.poll(() => printed, { timeout: 20_000 }).toMatch(/http\S+\n\n$/)
    await fetch(await machine.server.authorize(/http\S+/.exec(printed)![0]))
    expect(await done).toMatchObject({ code: 0, out: 'Signed in as Ada Lovelace.\n' })
  })

  test('is told the commands there are', async () => {
    expect(await machine.run('signin')).toEqual({
      code: 1,
      out: '',
      err: 'Usage: node cli.js sign-in | me | sign-out\n',
    })
  })
})
