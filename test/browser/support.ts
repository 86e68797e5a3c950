import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { AuthServer } from 'pkce-client/testing'
import { openSite } from '../../scripts/site.mjs'
import { launch } from './browser.ts'

export interface World {
  readonly server: AuthServer
  readonly urls: { issuer: string; api: string; vanilla: string; react: string }
  /** A person with a browser of their own: its own cookies, its own storage, and a clock that can be put forward. */
  newPerson(): Promise<BrowserContext>
}

/** The built examples, the listening server and a real browser, for the tests of one file. */
export function openWorld(engine: string): World {
  let browser: Browser
  let site: Awaited<ReturnType<typeof openSite>>
  const outDir = mkdtempSync(join(tmpdir(), 'pkce-client-'))
  const people: BrowserContext[] = []
  beforeAll(async () => {
    browser = await launch(engine)
    site = await openSite({}, outDir)
  })
  afterEach(async () => {
    await Promise.all(people.splice(0).map((person) => person.close()))
    site.server.clearFaults()
    site.server.revokeSessions()
  })
  afterAll(async () => {
    await browser.close()
    await site.close()
    rmSync(outDir, { recursive: true })
  })
  return {
    get server() {
      return site.server
    },
    get urls() {
      return site.urls
    },
    async newPerson() {
      const person = await browser.newContext()
      person.setDefaultTimeout(15_000)
      people.push(person)
      await person.clock.install()
      return person
    },
  }
}

/** Fills in the login page, and answers the consent page when it is shown. */
export async function signInAtServer(
  page: Page,
  { username = 'ada', password = 'lovelace', answer = 'Allow' } = {},
): Promise<void> {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: answer }).click()
}

/** What the server was asked while something happened: method and path, without preflights. */
export async function requestsDuring(
  server: AuthServer,
  action: () => Promise<unknown>,
): Promise<string[]> {
  const before = server.requests.length
  await action()
  return server.requests
    .slice(before)
    .filter(({ method }) => method !== 'OPTIONS')
    .map(({ method, path }) => `${method} ${path}`)
}
