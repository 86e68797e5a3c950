import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { readFileSync } from 'node:fs'
import {
  fullScope,
  resourceServers,
  spa,
  startCertifiedServer,
} from '../support/certified-server.ts'
import type { CertifiedServer } from '../support/certified-server.ts'
import { engineNames, launchShown } from './browser.ts'
import type { ShownBrowser } from './browser.ts'
import { servePage } from './page/serve.ts'

// oidc-provider that demands all at once: pushed requests (RFC 9126), DPoP with nonces (RFC 9449), a token for each of two
// APIs (RFC 8707), and login pages that cut off the window that opened them (Cross-Origin-Opener-Policy).

describe.each(engineNames)('a server that demands everything, with %s', (engine) => {
  let browser: ShownBrowser
  let server: CertifiedServer
  let site: Awaited<ReturnType<typeof servePage>>

  beforeAll(async () => {
    browser = await launchShown(engine)
    const script = readFileSync(new URL('page/demanding.js', import.meta.url), 'utf8')
    server = await startCertifiedServer(
      async ({ issuer, api }) => {
        const resources = Object.keys(resourceServers).map((path) => api + path)
        const client = { issuer, clientId: spa, scope: fullScope, resources }
        site = await servePage({ clients: [client], script })
        return site.url
      },
      { isDemanding: true },
    )
    // Getting a browser may take a while.
  }, 600_000)
  afterAll(async () => {
    await browser.close()
    await site.close()
    await server.close()
  })

  const shows = (page: Page, text: string) => page.getByText(text, { exact: true }).waitFor()
  const both = '200 /api/stock/ ada of the test, 200 /api/bills/ ada of the test'

  test('a user signs in in a popup, and both APIs are called with a token of their own (C-17, C-43, C-97, C-99, C-33)', async () => {
    const person = await browser.newPerson()
    person.setDefaultTimeout(15_000)
    // The pages of the server want a font from the Internet.
    await person.route('https://fonts.googleapis.com/**', (route) => route.abort())
    const page = await person.newPage()
    await page.goto(site.url)
    await shows(page, 'signed-out')
    const opened = page.waitForEvent('popup')
    await page.getByRole('button', { name: 'Sign in' }).click()
    const popup = await opened
    await popup.getByPlaceholder('Enter any login').fill('ada')
    await popup.getByPlaceholder('and password').fill('lovelace')
    await popup.getByRole('button', { name: 'Sign-in' }).click()
    const closed = popup.waitForEvent('close')
    await popup.getByRole('button', { name: 'Continue' }).click()
    await Promise.all([shows(page, 'signed in ada'), closed])
    await page.getByRole('button', { name: 'Call both' }).click()
    await shows(page, both)
    // The nonce of the pushed request is good for the token requests: one for the code, one for the second API.
    expect(server.asked.filter((request) => request === 'POST /request')).toHaveLength(2)
    expect(server.asked.filter((request) => request === 'POST /token')).toHaveLength(2)

    const before = server.asked.length
    await page.reload()
    await shows(page, 'signed-in')
    await page.getByRole('button', { name: 'Call both' }).click()
    await shows(page, both)
    expect(server.asked.slice(before).filter((request) => /request|token/.test(request))).toEqual(
      [],
    )
  })
})
