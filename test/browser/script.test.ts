import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Page } from 'playwright-core'
import { engineNames } from './browser.ts'
import { servePage } from './page/serve.ts'
import { openWorld } from './support.ts'

describe.each(engineNames)('the <script> build in %s', (engine) => {
  const world = openWorld(engine)
  const closers: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()))
  })

  const client = (clientId = 'vanilla-example') => ({
    issuer: world.urls.issuer,
    clientId,
    scope: 'openid profile offline_access',
    resources: [world.urls.api],
  })

  async function serve(options: Parameters<typeof servePage>[0]): Promise<string> {
    const { url, close } = await servePage(options)
    closers.push(close)
    return url
  }

  /** The part of the page that belongs to one client. */
  const part = (page: Page, clientId = 'vanilla-example') => {
    const region = page.getByRole('region', { name: clientId })
    const shows = (what: 'status' | 'alert', text: string) =>
      region.getByRole(what).filter({ hasText: text }).waitFor()
    return {
      press: (name: string) => region.getByRole('button', { name }).click(),
      shows,
      async callApi() {
        await region.getByRole('button', { name: 'Call the API' }).click()
        await region.getByText('200 Ada Lovelace').waitFor()
      },
      async signIn() {
        await region.getByRole('button', { name: 'Sign in' }).click()
        await page.waitForURL(`${world.urls.issuer}/**`)
        if (await page.getByLabel('Username').isVisible()) await world.logIn(page)
        await page.getByRole('button', { name: 'Allow' }).click()
        await shows('status', 'signed-in Ada Lovelace')
      },
    }
  }

  /** A tab with its session in sessionStorage, and a duplicate of it. The access token in both has expired. */
  async function duplicated() {
    const person = await world.newPerson()
    const page = await person.newPage()
    await page.goto(await serve({ clients: [{ ...client(), store: 'session' }] }))
    await part(page).signIn()
    const opened = person.waitForEvent('page')
    await page.evaluate(() => void window.open(location.href))
    const copy = await opened
    await part(copy).shows('status', 'signed-in Ada Lovelace')
    await person.clock.fastForward('16:00')
    return { person, page, copy }
  }

  const refreshes = (requests: string[]) => requests.filter((request) => request === 'POST /token')

  test('works under a strict content security policy, and breaks no rule of it', async () => {
    const page = await (await world.newPerson()).newPage()
    const complaints: string[] = []
    const complain = (text: string) => {
      // Firefox asks for an icon of the server's pages as well, against a policy of theirs.
      if (!text.includes(`${world.urls.issuer}/favicon.ico`)) complaints.push(text)
    }
    page.on('console', (message) => {
      if (message.type() === 'error') complain(message.text())
    })
    page.on('pageerror', (error) => complain(error.message))
    await page.goto(await serve({ clients: [client()] }))
    await part(page).signIn()
    await part(page).callApi()
    await page.context().clock.fastForward('16:00')
    await part(page).callApi()
    await part(page).press('Sign out')
    await part(page).shows('status', 'signed-out signed-out')
    expect(complaints).toEqual([])
  })

  test('the policy of that page is in force', async () => {
    const page = await (await world.newPerson()).newPage()
    await page.goto(await serve({ clients: [client()] }))
    const blocked = await page.evaluate(
      () =>
        new Promise((resolve) => {
          addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective))
          void fetch('http://127.0.0.1:9/').catch(() => {})
        }),
    )
    expect(blocked).toBe('connect-src')
    const refused = await page.evaluate(() => {
      try {
        document.body.innerHTML = '<p>'
      } catch (error) {
        return (error as Error).name
      }
    })
    expect(refused).toBe('TypeError')
  })

  test('a Request and a URL made in an iframe arrive whole, with the token (E1)', async () => {
    const page = await (await world.newPerson()).newPage()
    await page.goto(await serve({ clients: [client()] }))
    await part(page).signIn()
    const answers = await page.evaluate(async (api) => {
      const { auth } = globalThis as unknown as {
        auth: { fetch: typeof fetch; replaceGlobalFetch(): () => void }
      }
      const frame = document.body.appendChild(document.createElement('iframe'))
      const { Request, URL } = frame.contentWindow as Window & typeof globalThis
      const request = () => new Request(`${api}echo`, { method: 'POST', body: 'hello' })
      const restore = auth.replaceGlobalFetch()
      const calls = [
        auth.fetch(request()),
        auth.fetch(new URL(`${api}echo`), { method: 'POST', body: 'hello' }),
        fetch(request()),
      ]
      restore()
      return Promise.all(calls.map(async (call) => (await call).json()))
    }, world.urls.api)
    for (const answer of answers)
      expect(answer).toMatchObject({ method: 'POST', body: 'hello', scheme: 'Bearer' })
  })

  test('two clients on one origin and one callback address each keep their own session', async () => {
    const page = await (await world.newPerson()).newPage()
    await page.goto(await serve({ clients: [client(), client('react-example')] }))
    const [one, two] = [part(page), part(page, 'react-example')]
    await one.signIn()
    await two.shows('status', 'signed-out')
    await two.signIn()
    await one.shows('status', 'signed-in Ada Lovelace')
    await one.callApi()
    await two.callApi()
    await one.press('Sign out')
    await one.shows('status', 'signed-out signed-out')
    await two.shows('status', 'signed-in Ada Lovelace')
    await two.callApi()
  })

  test('with a session in sessionStorage, each tab has its own', async () => {
    const person = await world.newPerson()
    const url = await serve({ clients: [{ ...client(), store: 'session' }] })
    const page = await person.newPage()
    await page.goto(url)
    await part(page).signIn()
    const other = await person.newPage()
    await other.goto(url)
    await part(other).shows('status', 'signed-out')
    await page.reload()
    await part(page).shows('status', 'signed-in Ada Lovelace')
    await part(page).callApi()
  })

  test('with a session in sessionStorage, the copy in a duplicated tab never sends a spent refresh token', async () => {
    const { person, page, copy } = await duplicated()
    await part(page).callApi()
    const sent = await world.asked(async () => {
      await part(copy).press('Call the API')
      await part(copy).shows('status', 'signed-out tab-copied')
    })
    expect(refreshes(sent)).toEqual([])
    await person.clock.fastForward('16:00')
    await part(page).callApi()
  })

  test('with a session in sessionStorage, a tab and its copy that renew at the same moment send one token request', async () => {
    const { person, page, copy } = await duplicated()
    const held = world.server.hold('/token')
    onTestFinished(() => held.release())
    const sent = await world.asked(async () => {
      await part(page).press('Call the API')
      await expect.poll(() => held.count).toBe(1)
      await part(copy).press('Call the API')
      await expect
        .poll(() => copy.evaluate(async () => (await navigator.locks.query()).pending?.length))
        .toBe(1)
      held.release()
      await page.getByText('200 Ada Lovelace').waitFor()
      await part(copy).shows('status', 'signed-out tab-copied')
    })
    expect(refreshes(sent)).toHaveLength(1)
    await person.clock.fastForward('16:00')
    await part(page).callApi()
  })

  /** What Playwright looks up in a page counts as a gesture of the person there; only a click shall. */
  async function countOnlyClicks(page: Page): Promise<void> {
    await page.addInitScript(() => {
      let clicked = false
      addEventListener('click', () => (clicked = true), true)
      Object.defineProperty(navigator, 'userActivation', { get: () => ({ isActive: clicked }) })
    })
  }

  test('a page that signs in by itself stops after two denials', async () => {
    const page = await (await world.newPerson()).newPage()
    await countOnlyClicks(page)
    await page.goto(await serve({ clients: [client()], signsInByItself: true }))
    await world.logIn(page)
    await page.getByRole('button', { name: 'Deny' }).click()
    // Not the first consent page, which is there until the app has answered.
    await page.waitForURL((url) => url.pathname === '/authorize')
    await page.getByRole('button', { name: 'Deny' }).click()
    await part(page).shows('alert', 'redirect_loop')
    await part(page).signIn()
  })
})
