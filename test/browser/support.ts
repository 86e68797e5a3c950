import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { AuthServer } from 'pkce-client/testing'
import { openSite } from '../../scripts/site.mjs'
import { launch } from './browser.ts'
import { goBack, waitForNavigations } from './history.ts'

export interface World {
  readonly server: AuthServer
  readonly urls: Record<'issuer' | 'api' | 'playground' | 'vanilla' | 'react', string>
  /** Somebody who never signed in before, with a browser of their own and a clock that can be put forward. */
  newPerson(): Promise<BrowserContext>
  /** Fills in the login page as the person whose browser it is. */
  logIn(page: Page): Promise<void>
  /** Goes back this many pages, one unless told otherwise. */
  goBack(page: Page, pages?: number): Promise<void>
  /** What the server is asked meanwhile, without preflights and metadata. */
  asked(action: () => Promise<unknown>): Promise<string[]>
}

/** They share the name, so that tests can tell a person by it, and a password. */
const users = Array.from({ length: 100 }, (_, index) => ({
  username: `ada-${index}`,
  password: 'lovelace',
  sub: `user-${index}`,
  name: 'Ada Lovelace',
}))

/** The built examples, the listening server and a real browser, for the tests of one file. */
export function openWorld(engine: string): World {
  let browser: Browser
  let site: Awaited<ReturnType<typeof openSite>>
  const outDir = mkdtempSync(join(tmpdir(), 'pkce-client-'))
  const strangers = users.values()
  const people = new Map<BrowserContext, (typeof users)[number]>()
  beforeAll(async () => {
    browser = await launch(engine)
    site = await openSite({}, { outDir, users })
    // Getting a browser may take a while.
  }, 600_000)
  afterEach(async () => {
    waitForNavigations(true)
    site.server.clearFaults()
    await Promise.all([...people.keys()].map((person) => person.close()))
    people.clear()
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
      person.setDefaultTimeout(10_000)
      people.set(person, strangers.next().value!)
      await person.clock.install()
      return person
    },
    async logIn(page) {
      const { username, password } = people.get(page.context())!
      await page.getByLabel('Username').fill(username)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Sign in' }).click()
    },
    goBack,
    async asked(action) {
      const before = site.server.requests.length
      await action()
      return site.server.requests
        .slice(before)
        .filter(({ method, path }) => method !== 'OPTIONS' && !path.startsWith('/.well-known/'))
        .map(({ method, path }) => `${method} ${path}`)
    },
  }
}
