import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import type * as Axe from 'axe-core'
import type { Locator, Page } from 'playwright-core'
import type { Recording } from '../../src/devtools/recording.ts'
import type { Verdict } from '../../src/devtools/steps.ts'
import { engineNames } from './browser.ts'
import { openWorld } from './support.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What must come of pressing a trouble. */
interface Outcome {
  name: string
  /** How many requests come to the token endpoint, those of a thief included. */
  tokenRequests: number
  /** A pause may end, and the server be asked once more, just before it is pressed. */
  mayBeAskedBefore?: boolean
  says: string
  /** Who is signed in then. */
  who?: string
}

const signedInAs = 'Signed in as Ada Lovelace'

const tokens: Outcome[] = [
  { name: 'API answers 401', tokenRequests: 1, says: 'Your code got one answer, 200' },
  { name: 'Rotate the signing keys', tokenRequests: 1, says: 'fetched its keys once' },
  {
    name: 'Revoke the session',
    tokenRequests: 1,
    says: 'with the reason ended-by-server',
    who: 'Signed out',
  },
]

const network: Outcome[] = [
  { name: 'Offline', tokenRequests: 0, says: 'stale', who: `${signedInAs}, stale` },
  { name: 'Offline', tokenRequests: 1, says: 'renewed once, the session is no longer stale' },
  { name: 'Slow, 3 s', tokenRequests: 1, says: 'your call to the API did not wait' },
  { name: 'Slow, 3 s', tokenRequests: 0, says: 'nothing had to be renewed' },
  {
    name: 'Server says 503',
    tokenRequests: 1,
    says: 'the second auth.refresh() sent nothing',
    who: `${signedInAs}, stale`,
  },
  { name: 'Server says 503', tokenRequests: 1, says: 'renewed once' },
  {
    name: 'Hotel Wi-Fi page',
    tokenRequests: 1,
    says: 'took nothing from the page',
    who: `${signedInAs}, stale`,
  },
  {
    name: 'Hotel Wi-Fi page',
    tokenRequests: 1,
    mayBeAskedBefore: true,
    says: 'renewed once',
  },
  {
    name: 'Lose the next answer',
    tokenRequests: 2,
    says: 'sent the refresh token once more',
    who: 'Signed out',
  },
  // Nobody is signed in: it signs in, and does so by the wrong clock.
  { name: 'My clock, 2 h ahead', tokenRequests: 1, says: 'The sign-in worked with a wrong clock' },
  { name: 'My clock, 2 h ahead', tokenRequests: 0, says: 'All works again' },
  { name: 'Sleep for a night', tokenRequests: 1, says: 'Nobody has to sign in again' },
  { name: 'My clock, 2 h ahead', tokenRequests: 1, says: 'the token was renewed once' },
]

const attacks: Outcome[] = [
  { name: 'Steal the code', tokenRequests: 2, says: 'A code alone is worthless' },
  { name: 'Replay the callback', tokenRequests: 0, says: 'no request left the page' },
  { name: 'Tamper with state', tokenRequests: 0, says: '0 codes were sent' },
  { name: 'Swap the ID token', tokenRequests: 1, says: 'id_token_invalid: the session of before' },
  { name: 'Reuse an old ID token', tokenRequests: 1, says: 'it had another nonce' },
  { name: 'Mix-up: another issuer', tokenRequests: 0, says: 'the code was sent to nobody' },
  {
    name: 'Send the token elsewhere',
    tokenRequests: 0,
    says: 'Your code got resource_not_allowed',
  },
  { name: 'Expire the access token', tokenRequests: 1, says: 'did not notice the 401' },
]

/** Whether the app sends a code. */
const isSignIn = ({ name }: Outcome) => ['Steal the code', 'Swap the ID token'].includes(name)

const tabs: Outcome[] = [
  { name: 'Two tabs renew at once', tokenRequests: 1, says: 'one request was sent' },
  {
    name: 'Sign out elsewhere',
    tokenRequests: 0,
    says: 'This tab sent nothing',
    who: 'Signed out',
  },
]

const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

const who = (page: Page, text: string) => page.locator('#who').getByText(text, { exact: true })

const verdicts = (page: Page): Promise<Verdict[]> =>
  page.locator('pkce-devtools').evaluate((element) => {
    const { recording } = element as unknown as { recording: Recording }
    return recording.steps().filter((step) => step.type === 'verdict')
  })

/** A user who pressed a button must not have to look for what came of it. */
const isInSight = (part: Locator): Promise<boolean> =>
  part.evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect()
    return top >= 0 && bottom <= innerHeight
  })

/** Nothing that keeps people with a screen reader, or with little sight, from using the page. */
async function isAccessible(page: Page): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
  const found = await page.evaluate(async () => {
    const { run } = (globalThis as unknown as { axe: typeof Axe }).axe
    const { violations } = await run(document, { resultTypes: ['violations'] })
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  })
  expect(found).toEqual([])
}

/** Nothing is cut off at the side, on the screens that people have. */
async function fitsEverywhere(page: Page): Promise<void> {
  for (const width of [1360, 768, 390, 360]) {
    await page.setViewportSize({ width, height: 800 })
    for (const view of width > 760 ? [''] : ['Session', 'Trouble', 'Flow']) {
      if (view) await click(page, view)
      const size = () => page.evaluate(() => document.documentElement.scrollWidth)
      await expect.poll(size, { message: `${view} at ${width} px` }).toBeLessThanOrEqual(width)
    }
  }
}

describe.each(engineNames)('the playground in %s', (engine) => {
  const world = openWorld(engine)

  async function visit(): Promise<Page> {
    const page = await (await world.newPerson()).newPage()
    await page.setViewportSize({ width: 1360, height: 900 })
    // What fades in has too little contrast for a moment.
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await page.goto(world.urls.playground)
    await who(page, 'Signed out').waitFor()
    return page
  }

  async function logIn(page: Page): Promise<void> {
    await world.logIn(page)
    await click(page, 'Allow')
  }

  async function signedIn(page?: Page): Promise<Page> {
    const here = page ?? (await visit())
    await click(here, 'Sign in')
    await logIn(here)
    await who(here, signedInAs).waitFor()
    return here
  }

  /** Presses a trouble, and resolves to the verdict and to how often the server was asked for tokens until then. */
  async function press(page: Page, name: string, how = click) {
    const { length } = await verdicts(page)
    const before = world.server.requests.length
    await how(page, name)
    let said: Verdict[] = []
    const count = async () => (said = await verdicts(page).catch(() => [])).length
    await expect.poll(count, { timeout: 20_000 }).toBe(length + 1)
    const { label, holds, at } = said.at(-1)!
    // What is tried again by itself, a second later, is not part of it.
    const asked = world.server.requests.slice(before).filter((request) => request.at <= at)
    return { says: label, holds, tokenRequests: asked.filter(isForTokens).length }
  }

  const isForTokens = ({ method, path }: { method: string; path: string }) =>
    method === 'POST' && path === '/token'

  async function pressAll(page: Page, outcomes: Outcome[]): Promise<void> {
    for (const { name, tokenRequests, mayBeAskedBefore, says, who: whoThen } of outcomes) {
      const came = await press(page, name)
      expect(came, name).toMatchObject({ holds: true, says: expect.stringContaining(says) })
      const most = tokenRequests + (mayBeAskedBefore ? 1 : 0)
      expect([tokenRequests, most], name).toContain(came.tokenRequests)
      await who(page, whoThen ?? signedInAs).waitFor()
      const verdict = page.locator('.verdict').last()
      await verdict.getByText(came.says).waitFor()
      await expect.poll(() => isInSight(verdict), { message: name }).toBe(true)
      // What the page is made of does not depend on the browser.
      if (engine === 'chromium') await isAccessible(page)
    }
    if (engine === 'chromium') await isShownWell(page)
  }

  async function isShownWell(page: Page): Promise<void> {
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      await fitsEverywhere(page)
      await isAccessible(page)
      await page.setViewportSize({ width: 1360, height: 900 })
      await isAccessible(page)
    }
  }

  test('a token that is refused, new keys, and the end of a session', async () => {
    await pressAll(await signedIn(), tokens)
  })

  test('a bad network, a lost answer, a wrong clock and a night', async () => {
    await pressAll(await signedIn(), network)
  }, 120_000)

  test('attacks do not succeed', async () => {
    await pressAll(await signedIn(), attacks)
  }, 120_000)

  test('two tabs renew once, and sign out together', async () => {
    const page = await signedIn()
    await pressAll(page, tabs)
    const [, second] = page.context().pages()
    await who(second!, 'Signed out').waitFor()
  })

  test('who is not signed in is told so, and reset clears everything', async () => {
    const page = await visit()
    await click(page, 'API answers 401')
    await page.getByText('Sign in first').waitFor()
    expect(await verdicts(page)).toEqual([])
    await signedIn(page)
    await press(page, 'My clock, 2 h ahead')
    await press(page, 'Server says 503')
    await click(page, 'API answers 401')
    await page.getByText('Switch off “Server says 503” first').waitFor()
    await click(page, 'Reset')
    await who(page, 'Signed out').waitFor()
    await expect.poll(() => verdicts(page)).toEqual([])
    expect(await page.getByRole('button', { pressed: true }).allInnerTexts()).toEqual([
      'Redirect',
      'Bearer',
    ])
    await click(page, 'Sign in')
    await who(page, signedInAs).waitFor()
    expect(await press(page, 'API answers 401')).toMatchObject({ holds: true, tokenRequests: 1 })
  })

  test('a popup signs in, and tokens bound to a key pass the same troubles', async () => {
    const page = await visit()
    await click(page, 'DPoP')
    await page.getByRole('button', { name: 'DPoP', pressed: true }).waitFor()
    await who(page, 'Signed out').waitFor()
    await click(page, 'Popup')
    const opened = page.waitForEvent('popup')
    await click(page, 'Sign in')
    await logIn(await opened)
    await who(page, signedInAs).waitFor()
    await page
      .getByRole('button', { name: /POST \/token/ })
      .last()
      .click()
    await page.locator('.insp').getByText('DPoP', { exact: true }).first().waitFor()
    // The first request of each page is told the nonce that it needs, and sent again.
    const wanted = [...tokens.slice(0, 1), ...tabs.slice(0, 1), ...attacks.slice(0, 4)].map(
      (outcome) => ({
        ...outcome,
        tokenRequests: outcome.tokenRequests + (isSignIn(outcome) ? 1 : 0),
      }),
    )
    await pressAll(page, wanted)
    await page.reload()
    await page.getByRole('button', { name: 'DPoP', pressed: true }).waitFor()
    await who(page, signedInAs).waitFor()
  }, 120_000)

  test('the control endpoint takes the names of troubles, from the page itself', async () => {
    const send = async (path: string, method = 'POST', site = 'same-origin') => {
      const url = new URL(`control/${path}`, world.urls.playground)
      return (await fetch(url, { method, headers: { 'sec-fetch-site': site } })).status
    }
    expect([
      await send('expire'),
      await send('hotel-off'),
      await send('constructor'),
      await send('expire', 'GET'),
      await send('expire', 'POST', 'cross-site'),
    ]).toEqual([204, 204, 404, 403, 403])
  })

  test('the keyboard alone is enough', async () => {
    const page = await visit()
    const focused = () =>
      page.evaluate(() => {
        const inside = document.activeElement?.shadowRoot?.activeElement
        const element = inside ?? document.activeElement
        return element?.getAttribute('aria-label') ?? element?.textContent.trim() ?? ''
      })
    /** Tabs on until something with this name has the focus. */
    const tabTo = async (name: RegExp) => {
      for (let tabs = 0; tabs < 80; tabs += 1) {
        if (name.test(await focused())) return
        await page.keyboard.press('Tab')
      }
      throw new Error(`The Tab key does not lead to ${name}`)
    }
    await tabTo(/^Sign in$/)
    await page.keyboard.press('Enter')
    await logIn(page)
    await who(page, signedInAs).waitFor()
    const pressed = await press(page, 'API answers 401', async () => {
      await tabTo(/^API answers 401$/)
      await page.keyboard.press('Enter')
    })
    expect(pressed).toMatchObject({ holds: true, tokenRequests: 1 })
    await tabTo(/^Step \d/)
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.locator('.insp').getByText('your code gets: 200').first().waitFor()
  })

  test('a client that does not check signatures is found out', async () => {
    const page = await visit()
    let isBroken = false
    await page.route('**/assets/*.js', async (route) => {
      const response = await route.fetch()
      const text = await response.text()
      const broken = text.replace(/if \(!await crypto\.subtle\.verify\([^)]*\)\)/, 'if (false)')
      isBroken = broken !== text
      await route.fulfill({ response, body: broken })
    })
    await page.reload()
    await signedIn(page)
    expect(isBroken).toBe(true)
    const { says, holds } = await press(page, 'Swap the ID token')
    expect(holds).toBe(false)
    expect(says).toBe('Your code got signed-in, and should have got id_token_invalid.')
    await page.locator('.verdict.bad').getByText(says).waitFor()
    await page
      .getByRole('button', { name: /ID token/ })
      .last()
      .click()
    await page.locator('.insp li.fails').getByText('signature').waitFor()
  })
})
