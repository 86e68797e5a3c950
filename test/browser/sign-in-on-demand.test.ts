import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import type { PkceClient } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'
import { engineNames, launch } from './browser.ts'
import { goBack, waitForNavigations } from './history.ts'
import { servePage } from './page/serve.ts'

// Globals of the page.
declare const auth: PkceClient
declare const outcomes: unknown[]

/** An app with one button, which sends an order as often as asked. */
const appText = (more: string, count: number) => `
  const [options] = JSON.parse(document.getElementById('options').textContent).clients
  globalThis.outcomes = []
  globalThis.auth = new pkceClient.PkceClient({
    ...options,
    redirectUri: new URL('/callback', location.origin).href,
    ${more}
  })
  const button = document.createElement('button')
  button.textContent = 'Order'
  button.onclick = () => {
    for (let one = 0; one < ${count}; one += 1)
      auth
        .fetch(options.resources[0] + 'echo', { method: 'POST', body: 'order ' + one })
        .then((answer) => outcomes.push(answer.status), (error) => outcomes.push(error.code))
  }
  document.body.append(button)
  void auth.start().then(({ kind }) => (document.title = kind), ({ code }) => (document.title = code))
`

describe.each(engineNames)('sign-in on demand in %s', (engine) => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch(engine)
  }, 600_000)
  afterAll(() => browser.close())

  async function openApp(more: string, count = 1) {
    const clientId = 'app'
    const server = createAuthServer({
      clients: [{ clientId, redirectUris: ['http://127.0.0.1/callback'], kind: 'internal' }],
    })
    const door = await server.listen()
    const resources = [door.apiUrl]
    const { url, close } = await servePage({
      clients: [{ issuer: door.url, clientId, resources }],
      script: appText(more, count),
    })
    const person = await browser.newContext()
    person.setDefaultTimeout(15_000)
    onTestFinished(async () => {
      waitForNavigations(true)
      await person.close()
      await Promise.all([close(), door.close()])
    })
    const page = await person.newPage()
    await page.goto(`${url}orders?draft=7`)
    await page.waitForFunction(() => document.title === 'restored')
    return { server, url, person, page }
  }

  async function logIn(page: Page): Promise<void> {
    await page.getByLabel('Username').fill('ada')
    await page.getByLabel('Password').fill('lovelace')
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  const order = (page: Page) => page.getByRole('button', { name: 'Order' }).click()

  const resuming = `use: [pkceClient.resumeAfterSignIn({ methods: ['POST'] })],`

  async function comeBack() {
    const app = await openApp(resuming)
    await order(app.page)
    await logIn(app.page)
    await app.page.waitForURL(`${app.url}callback`)
    await app.page.waitForFunction(() => document.title === 'signed-in')
    return app
  }

  test('a click, a POST, a redirect: resumed exactly once, at the address that was left', async () => {
    const { server, url, page } = await comeBack()
    expect(server.requestsTo('/echo')).toEqual([])
    const sent = await page.evaluate(async () => {
      const { returnTo, resumed } = await auth.start()
      const answer = await auth.fetch(resumed!)
      return { returnTo, echo: (await answer.json()) as object }
    })
    expect(sent).toMatchObject({
      returnTo: `${url}orders?draft=7`,
      echo: { method: 'POST', body: 'order 0', authorized: true },
    })
    await page.reload()
    await page.waitForFunction(() => document.title === 'restored')
    expect(await page.evaluate(async () => (await auth.start()).resumed === undefined)).toBe(true)
    expect(server.requestsTo('/echo')).toHaveLength(1)
  })

  test('the Back button brings the page back without its order: nothing is sent behind the user', async () => {
    const { server, page, url } = await comeBack()
    await page.evaluate(async () => auth.fetch((await auth.start()).resumed!))
    await goBack(page, 2)
    await expect
      .poll(() => page.evaluate(() => location.href).catch(() => ''), { timeout: 10_000 })
      .toBe(`${url}orders?draft=7`)
    await page.waitForTimeout(500)
    const seen = await page.evaluate(() => outcomes)
    expect(seen.filter((outcome) => outcome !== 'sign_in_cancelled')).toEqual([])
    expect(server.requestsTo('/echo')).toHaveLength(1)
  })

  test('three calls at once, nobody signed in, a popup: one window, one token request, three answers', async () => {
    const more = 'navigator: pkceClient.popup(), use: [pkceClient.signInOnDemand()],'
    const { server, person, page } = await openApp(more, 3)
    const opened = person.waitForEvent('page')
    await order(page)
    await logIn(await opened)
    await page.waitForFunction(() => outcomes.length === 3)
    expect(await page.evaluate(() => outcomes)).toEqual([200, 200, 200])
    expect(server.requestsTo('/token')).toHaveLength(1)
    expect(server.requestsTo('/authorize')).toHaveLength(1)
    expect(server.requestsTo('/echo').map(({ method }) => method)).toEqual(['POST', 'POST', 'POST'])
  })
})
