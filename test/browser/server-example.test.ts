import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import { readSettings } from '../../examples/server/settings.js'
import { openSite } from '../../scripts/site.mjs'
import { startRedis } from '../support/database-servers.ts'
import { engineNames, launch } from './browser.ts'

async function openExample(...args: string[]) {
  const outDir = mkdtempSync(join(tmpdir(), 'pkce-client-'))
  const site = await openSite({}, { outDir, settings: readSettings(args), quiet: true })
  return Object.assign(site, {
    url: site.urls.server,
    async end() {
      await site.close()
      rmSync(outDir, { recursive: true })
    },
  })
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const follow = (page: Page, name: string) =>
  page.getByRole('main').getByRole('link', { name, exact: true }).first().click()
const isShown = (page: Page, text: string) =>
  page.getByRole('status').filter({ hasText: text }).first().waitFor()

async function logIn(page: Page): Promise<void> {
  await page.getByLabel('Username').fill('ada')
  await page.getByLabel('Password').fill('lovelace')
  await press(page, 'Sign in')
  // Asked once for each person.
  const allow = page.getByRole('button', { name: 'Allow' })
  await allow
    .or(page.getByRole('link', { name: 'Sign out' }))
    .or(page.getByText('What is 6'))
    .first()
    .waitFor()
  if (await allow.isVisible()) await allow.click()
}

let plain: Awaited<ReturnType<typeof openExample>>
let many: Awaited<ReturnType<typeof openExample>>
let redis: Awaited<ReturnType<typeof startRedis>>

beforeAll(async () => {
  const often = ['--per-hour', '1000', '--per-day', '1000']
  plain = await openExample(...often)
  redis = await startRedis()
  process.env.REDIS_URL = redis.url
  many = await openExample(
    ...often,
    '--store',
    'redis',
    '--machines',
    '3',
    '--client',
    'certificate',
  )
}, 120_000)

afterAll(async () => {
  await Promise.all([plain.end(), many.end()])
  await redis.stop()
})

describe.each(engineNames)('the server example in %s', (engine) => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch(engine)
  }, 600_000)
  afterAll(() => browser.close())

  async function newPage(path = '', site = plain): Promise<Page> {
    const person = await browser.newContext()
    person.setDefaultTimeout(15_000)
    onTestFinished(() => person.close())
    const page = await person.newPage()
    await page.goto(site.url + path)
    return page
  }

  async function signedIn(site = plain): Promise<Page> {
    const page = await newPage('login', site)
    await follow(page, 'Sign in')
    await logIn(page)
    await isShown(page, 'Signed in as Ada Lovelace')
    return page
  }

  test('a user signs in, reloads, calculates and signs out', async () => {
    const page = await signedIn()
    const [cookie] = (await page.context().cookies(plain.url)).filter(({ name }) => name === 'pkce')
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    await page.reload()
    await isShown(page, 'Signed in as Ada Lovelace')

    await follow(page, 'Calculator')
    await page.getByLabel('First number').fill('6')
    await page.getByLabel('Operation').selectOption('×')
    await page.getByLabel('Second number').fill('7')
    await press(page, 'Calculate')
    await page.getByRole('status', { name: 'Result' }).filter({ hasText: '= 42' }).waitFor()

    await page.goto(`${plain.url}profile`)
    await page.getByText('"name": "Ada Lovelace"').waitFor()

    await page.goto(`${plain.url}logout`)
    await press(page, 'Sign out')
    await isShown(page, 'Signed out')
    const names = (await page.context().cookies(plain.url)).map(({ name }) => name)
    expect(names).not.toContain('pkce')
  })

  test('a protected page asks for a sign-in, and is there afterwards', async () => {
    const page = await newPage('calculator')
    await logIn(page)
    await page.getByLabel('First number').waitFor()
    expect(page.url()).toBe(`${plain.url}calculator`)
  })

  test('the React page in StrictMode signs in, calls the back end, and hears a sign-out of another tab', async () => {
    const page = await newPage('app/')
    await isShown(page, 'Signed out')
    await press(page, 'Sign in')
    await logIn(page)
    await isShown(page, 'Signed in as Ada Lovelace')
    expect(page.url()).toBe(`${plain.url}app/`)
    await press(page, 'What is 6 × 7?')
    await page.getByRole('log', { name: 'Result' }).filter({ hasText: '6 × 7 = 42' }).waitFor()

    const other = await page.context().newPage()
    await other.goto(`${plain.url}app/`)
    await isShown(other, 'Signed in as Ada Lovelace')
    await press(other, 'Sign out')
    await isShown(other, 'Signed out')
    await isShown(page, 'Signed out')
    await press(page, 'What is 6 × 7?')
    await page.getByRole('alert').filter({ hasText: 'Nobody is signed in' }).waitFor()
  })

  test('no script and no debug page shows a token, and a page that does not exist says so', async () => {
    const page = await signedIn()
    await page.goto(`${plain.url}debug-info`)
    const text = await page.getByRole('main').innerText()
    expect(text).toMatch(/access token\s+.{8}… \(\d+ characters\)/)
    expect(await page.evaluate(() => document.cookie)).toBe('')
    await page.goto(`${plain.url}nowhere`)
    await page.getByRole('alert').filter({ hasText: 'There is no page at /nowhere.' }).waitFor()
  })

  test('with three machines, a user stays signed in when one of them is killed', async () => {
    const page = await signedIn(many)
    many.processes.find(({ signalCode }) => signalCode === null)!.kill('SIGKILL')
    for (let visit = 0; visit < 4; visit += 1) {
      await page.goto(`${many.url}profile`)
      await page.getByText('"name": "Ada Lovelace"').waitFor()
    }
    await page.goto(`${many.url}logout`)
    await press(page, 'Sign out')
    await isShown(page, 'Signed out')
  })
})
