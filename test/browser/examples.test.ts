import { describe, expect, onTestFinished, test } from 'vitest'
import type { BrowserContext, Page } from 'playwright-core'
import { engineNames } from './browser.ts'
import { openWorld } from './support.ts'

const examples = engineNames.flatMap((engine) => [
  { engine, example: 'vanilla' as const },
  { engine, example: 'react' as const },
])

describe.each(examples)('$example example in $engine', ({ engine, example }) => {
  const world = openWorld(engine)

  const press = (page: Page, name: string) => page.getByRole('button', { name }).click()

  /** Waits until the part of the page shows the text. */
  const shows = (page: Page, role: 'status' | 'alert', text: string) =>
    page.getByRole(role).filter({ hasText: text }).waitFor()

  const answers = (page: Page, text: string) =>
    page.getByRole('log', { name: 'Result' }).filter({ hasText: text }).waitFor()

  const events = (page: Page) => page.getByRole('log', { name: 'Events' }).innerText()

  async function visit(person: BrowserContext, path = ''): Promise<Page> {
    const page = await person.newPage()
    await page.goto(world.urls[example] + path)
    await shows(page, 'status', 'Signed')
    return page
  }

  async function signedIn(): Promise<{ person: BrowserContext; page: Page }> {
    const person = await world.newPerson()
    const page = await visit(person)
    await press(page, 'Sign in')
    await world.logIn(page)
    await press(page, 'Allow')
    await shows(page, 'status', 'Signed in as Ada Lovelace')
    return { person, page }
  }

  /** What comes of a call that nobody is signed in for. */
  const demandsSignIn = (page: Page) =>
    example === 'vanilla'
      ? shows(page, 'alert', 'Nobody is signed in')
      : page.getByLabel('Password').waitFor()

  const callApi = async (page: Page) => {
    await press(page, 'Call the API')
    await answers(page, '"name": "Ada Lovelace"')
  }

  test('a person signs in, allows it, and is back where they were, with a clean address', async () => {
    const page = await visit(await world.newPerson(), '?page=2')
    await press(page, 'Sign in')
    await world.logIn(page)
    await press(page, 'Allow')
    await shows(page, 'status', 'Signed in as Ada Lovelace')
    await page.waitForURL(`${world.urls[example]}?page=2`)
    expect(await events(page)).toMatch(/signed-in Signed in as Ada Lovelace/)
  })

  test('a person who double-clicks on Allow is signed in like anybody else', async () => {
    const page = await visit(await world.newPerson())
    await press(page, 'Sign in')
    await world.logIn(page)
    await page.getByRole('button', { name: 'Allow' }).dblclick()
    await shows(page, 'status', 'Signed in as Ada Lovelace')
  })

  if (example === 'vanilla')
    test('a person signs in in a window, and the page is not left', async () => {
      // In a browser without a screen every page has the focus, so that a window that is cut off counts as closed.
      world.server.fault('no-coop')
      const page = await visit(await world.newPerson(), '?page=2')
      const opened = page.waitForEvent('popup')
      await press(page, 'Open a sign-in window')
      const window = await opened
      await world.logIn(window)
      await press(window, 'Allow')
      await shows(page, 'status', 'Signed in as Ada Lovelace')
      await answers(page, 'this page was never left')
      expect(page.url()).toBe(`${world.urls.vanilla}?page=2`)
      await expect.poll(() => window.isClosed()).toBe(true)
    })

  test('after the return there is one token request, the keys beside it, and no second discovery', async () => {
    const page = await visit(await world.newPerson())
    await press(page, 'Sign in')
    await page.getByLabel('Password').waitFor()
    const before = world.server.requests.length
    await world.logIn(page)
    await press(page, 'Allow')
    await shows(page, 'status', 'Signed in as Ada Lovelace')
    const sent = world.server.requests
      .slice(before)
      .map(({ method, path }) => `${method} ${path}`)
      .filter((request) => !/login|consent/.test(request))
    expect(sent.sort()).toEqual(['GET /jwks', 'POST /token'])
  })

  test('while a sign-in is being finished, nobody is asked to sign in or out', async () => {
    const page = await visit(await world.newPerson())
    const held = world.server.hold('/token')
    onTestFinished(() => held.release())
    await press(page, 'Sign in')
    await world.logIn(page)
    await press(page, 'Allow')
    await expect.poll(() => held.count).toBe(1)
    await shows(page, 'status', 'Looking for a session')
    expect(await page.getByRole('button', { name: 'Sign' }).count()).toBe(0)
    held.release()
    await shows(page, 'status', 'Signed in as Ada Lovelace')
  })

  test('the API is called with the token', async () => {
    const { page } = await signedIn()
    expect(await world.asked(() => callApi(page))).toEqual(['GET /users/me'])
  })

  test('an access token that the server forgot is renewed, and the call repeated', async () => {
    const { page } = await signedIn()
    await press(page, 'Expire the access token')
    await answers(page, 'forgotten')
    expect(await world.asked(() => callApi(page))).toEqual([
      'GET /users/me',
      'POST /token',
      'GET /users/me',
    ])
    expect(await events(page)).toContain('token-refreshed')
  })

  test('a 401 of the API refreshes the token, and the call is repeated (F12)', async () => {
    const { page } = await signedIn()
    await press(page, 'Let the API answer 401')
    await answers(page, 'refuse')
    expect(await world.asked(() => callApi(page))).toEqual([
      'GET /users/me',
      'POST /token',
      'GET /users/me',
    ])
  })

  test('a second 401 within ten seconds is shown and explained (F12)', async () => {
    const { page } = await signedIn()
    for (const answer of ['Ada Lovelace', 'less than ten seconds before']) {
      await press(page, 'Let the API answer 401')
      await answers(page, 'refuse')
      await press(page, 'Call the API')
      await answers(page, answer)
    }
  })

  test('a token that expired meanwhile is renewed before the call', async () => {
    const { person, page } = await signedIn()
    await person.clock.fastForward('16:00')
    const sent = await world.asked(() => callApi(page))
    expect(sent).toEqual(['POST /token', 'GET /users/me'])
  })

  test('tokens are renewed on demand', async () => {
    const { page } = await signedIn()
    const sent = await world.asked(async () => {
      await press(page, 'Refresh the tokens')
      await answers(page, 'The tokens are refreshed.')
    })
    expect(sent).toEqual(['POST /token'])
  })

  if (example === 'vanilla')
    test('a revoked refresh token ends the session, and the page says so', async () => {
      const { page } = await signedIn()
      await press(page, 'Revoke the refresh token')
      await answers(page, 'ended')
      await press(page, 'Call the API')
      await shows(page, 'status', 'Signed out: the server ended the session.')
      await shows(page, 'alert', 'The session is over')
      expect(await events(page)).toMatch(/refresh-failed session_ended/)
      await page.getByRole('button', { name: 'Sign in' }).waitFor()
    })

  if (example === 'vanilla')
    test('a call without a session says that nobody is signed in', async () => {
      const page = await visit(await world.newPerson())
      expect(await world.asked(() => press(page, 'Call the API'))).toEqual([])
      await shows(page, 'alert', 'Nobody is signed in')
      expect(await events(page)).toContain('sign-in-required')
    })

  test('trouble cannot be made while nobody is signed in, and the page says why (N10)', async () => {
    const page = await visit(await world.newPerson())
    const trouble = page.getByRole('group', { name: 'Make trouble' }).getByRole('button')
    expect(await trouble.count()).toBe(3)
    for (const button of await trouble.all()) expect(await button.isDisabled()).toBe(true)
    const reason = page.getByText('Sign in first')
    expect(await reason.isVisible()).toBe(true)
    await press(page, 'Sign in')
    await world.logIn(page)
    await press(page, 'Allow')
    await shows(page, 'status', 'Signed in as Ada Lovelace')
    for (const button of await trouble.all()) expect(await button.isEnabled()).toBe(true)
    expect(await reason.isVisible()).toBe(false)
  })

  test('on a phone the result is in sight after every button, and nothing is wider than the screen (N10)', async () => {
    const { page } = await signedIn()
    await page.setViewportSize({ width: 360, height: 640 })
    const result = page.getByRole('region', { name: 'Result' })
    for (const name of [
      'Call the API',
      'Refresh the tokens',
      'Expire the access token',
      'Let the API answer 401',
      'Revoke the refresh token',
    ]) {
      await press(page, name)
      await result.filter({ hasNotText: /Nothing yet|One moment/ }).waitFor()
      const box = (await result.boundingBox())!
      expect(box.y).toBeGreaterThanOrEqual(0)
      expect(box.y + box.height).toBeLessThanOrEqual(640)
    }
    const isTooWide = () =>
      document.documentElement.scrollWidth > document.documentElement.clientWidth
    expect(await page.evaluate(isTooWide)).toBe(false)
  })

  test('a person signs out, here and at the server, and comes back to a clean address', async () => {
    const { page } = await signedIn()
    const sent = await world.asked(async () => {
      const back = page.waitForEvent('framenavigated', (frame) => frame.url().includes('?state='))
      await press(page, 'Sign out')
      await back
      await page.waitForURL(world.urls[example])
    })
    expect(sent).toEqual(['POST /revoke', 'POST /revoke', 'GET /end_session'])
    await shows(page, 'status', 'Signed out')
    await press(page, 'Sign in')
    await page.getByLabel('Password').waitFor()
  })

  test('a reload keeps the person signed in, without a request', async () => {
    const { page } = await signedIn()
    const sent = await world.asked(async () => {
      await page.reload()
      await shows(page, 'status', 'Signed in as Ada Lovelace')
    })
    expect(sent).toEqual([])
    await callApi(page)
  })

  test('after a reload an expired token is renewed', async () => {
    const { person, page } = await signedIn()
    await page.reload()
    await shows(page, 'status', 'Signed in as Ada Lovelace')
    await person.clock.fastForward('16:00')
    await callApi(page)
  })

  test('a sign-in in one tab reaches the other', async () => {
    const person = await world.newPerson()
    const other = await visit(person)
    const page = await visit(person)
    await press(page, 'Sign in')
    await world.logIn(page)
    await press(page, 'Allow')
    await shows(other, 'status', 'Signed in as Ada Lovelace')
    await callApi(other)
  })

  test('a sign-out in one tab reaches the other', async () => {
    const { person, page } = await signedIn()
    const other = await visit(person)
    await shows(other, 'status', 'Signed in as Ada Lovelace')
    await press(page, 'Sign out')
    await shows(other, 'status', 'Signed out.')
    await press(other, 'Call the API')
    await demandsSignIn(other)
  })

  test('a renewal in one tab serves the other', async () => {
    const { person, page } = await signedIn()
    const other = await visit(person)
    await person.clock.fastForward('16:00')
    await callApi(page)
    expect(await world.asked(() => callApi(other))).toEqual(['GET /users/me'])
  })

  test('two tabs that renew at the same moment send one token request, and both stay signed in', async () => {
    const { person, page } = await signedIn()
    const other = await visit(person)
    await shows(other, 'status', 'Signed in as Ada Lovelace')
    await person.clock.fastForward('16:00')
    const held = world.server.hold('/token')
    onTestFinished(() => held.release())
    const sent = await world.asked(async () => {
      await press(page, 'Call the API')
      await press(other, 'Call the API')
      await expect.poll(() => held.count).toBe(1)
      await expect
        .poll(() => other.evaluate(async () => (await navigator.locks.query()).pending?.length))
        .toBe(1)
      held.release()
      await answers(page, 'Ada')
      await answers(other, 'Ada')
    })
    expect(sent.filter((request) => request === 'POST /token')).toHaveLength(1)
    await shows(page, 'status', 'Signed in as Ada Lovelace')
    await shows(other, 'status', 'Signed in as Ada Lovelace')
  })

  test('a duplicated tab stays signed in, and so does the first one', async () => {
    const { person, page } = await signedIn()
    const opened = person.waitForEvent('page')
    await page.evaluate(() => void window.open(location.href))
    const copy = await opened
    await shows(copy, 'status', 'Signed in as Ada Lovelace')
    await person.clock.fastForward('16:00')
    await callApi(copy)
    await person.clock.fastForward('16:00')
    await callApi(page)
    await callApi(copy)
  })

  test('a person who denies is told so where they were, again and again, and never sent in circles', async () => {
    const page = await visit(await world.newPerson(), '?page=2')
    await press(page, 'Sign in')
    await world.logIn(page)
    await press(page, 'Deny')
    for (let time = 1; time <= 3; time++) {
      const sent = await world.asked(() => shows(page, 'alert', 'the user denied the request'))
      expect(sent).toEqual([])
      await shows(page, 'status', 'Signed out')
      expect(page.url()).toBe(`${world.urls[example]}?page=2`)
      await press(page, 'Sign in')
      if (time < 3) await press(page, 'Deny')
    }
    await press(page, 'Allow')
    await shows(page, 'status', 'Signed in as Ada Lovelace')
  })

  test('the denial is not repeated by a reload', async () => {
    const page = await visit(await world.newPerson())
    await press(page, 'Sign in')
    await world.logIn(page)
    await press(page, 'Deny')
    await shows(page, 'alert', 'the user denied the request')
    await page.reload()
    await shows(page, 'status', 'Signed out')
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  /** Signs in, and keeps the address the server sent the person to. */
  async function callbackAddress(page: Page): Promise<string> {
    const request = page.waitForRequest((candidate) => candidate.url().includes('/callback?code='))
    await press(page, 'Sign in')
    await world.logIn(page)
    await press(page, 'Allow')
    await shows(page, 'status', 'Signed in as Ada Lovelace')
    return (await request).url()
  }

  test('the callback address opened again changes nothing and sends nothing', async () => {
    const page = await visit(await world.newPerson())
    const address = await callbackAddress(page)
    const sent = await world.asked(async () => {
      await page.goto(address)
      await shows(page, 'status', 'Signed in as Ada Lovelace')
    })
    expect(sent).toEqual([])
    expect(page.url()).not.toContain('code=')
    await callApi(page)
  })

  test('the callback address opened in another browser is refused there, and nothing is sent', async () => {
    const address = await callbackAddress(await visit(await world.newPerson()))
    const stranger = await (await world.newPerson()).newPage()
    const sent = await world.asked(async () => {
      await stranger.goto(address)
      await shows(stranger, 'alert', 'begun in another browser')
    })
    expect(sent).toEqual([])
    await shows(stranger, 'status', 'Signed out')
  })

  test('back from the login page, the person is told so and not of an error, and can start again', async () => {
    const page = await visit(await world.newPerson())
    await press(page, 'Sign in')
    await page.getByLabel('Password').waitFor()
    await world.goBack(page)
    await answers(page, 'You are back from the sign-in page.')
    expect(await page.getByRole('alert').count()).toBe(0)
    await press(page, 'Sign in')
    await world.logIn(page)
    await press(page, 'Allow')
    await shows(page, 'status', 'Signed in as Ada Lovelace')
  })

  test('back on the page where the sign-in began, the person is signed in there as well', async () => {
    const { page } = await signedIn()
    // Over the consent page and the login page.
    await world.goBack(page, 3)
    await answers(page, 'You are back from the sign-in page.')
    expect(await page.getByRole('alert').count()).toBe(0)
    await shows(page, 'status', 'Signed in as Ada Lovelace')
    await callApi(page)
  })
})

describe.each(engineNames)('the protected page of the React example in %s', (engine) => {
  const world = openWorld(engine)
  const press = (page: Page, name: string) => page.getByRole('button', { name }).click()
  const profile = () => `${world.urls.react}profile`
  const shown = (page: Page) => page.getByRole('definition').filter({ hasText: 'Ada Lovelace' })
  const departures = () => world.server.requestsTo('/authorize').length

  async function visit(address: string): Promise<Page> {
    const page = await (await world.newPerson()).newPage()
    await page.goto(address)
    return page
  }

  async function signedIn(): Promise<Page> {
    const page = await visit(profile())
    await world.logIn(page)
    await press(page, 'Allow')
    await shown(page).waitFor()
    return page
  }

  test('who opens it is sent to sign in once, and is back at it (N6)', async () => {
    const before = departures()
    const page = await signedIn()
    expect(page.url()).toBe(profile())
    expect(departures() - before).toBe(1)
  })

  test('who goes to it within the app is sent to sign in, and is back at it (N6)', async () => {
    const page = await visit(world.urls.react)
    await page.getByRole('link', { name: 'Your profile' }).click()
    await world.logIn(page)
    await press(page, 'Allow')
    await shown(page).waitFor()
    expect(page.url()).toBe(profile())
  })

  test('who says no is told so and not sent away again, until a click on the button (N6)', async () => {
    const page = await visit(profile())
    await world.logIn(page)
    await press(page, 'Deny')
    const alert = page.getByRole('alert').filter({ hasText: 'the user denied the request' })
    const sent = await world.asked(() => alert.waitFor())
    expect(sent).toEqual([])
    expect(page.url()).toBe(profile())
    await press(page, 'Sign in')
    await press(page, 'Allow')
    await shown(page).waitFor()
  })

  test('who comes back by the back button is told so, and a click leads on (N6)', async () => {
    const page = await visit(world.urls.react)
    await page.getByRole('link', { name: 'Your profile' }).click()
    await page.getByLabel('Password').waitFor()
    await world.goBack(page)
    await page.getByRole('status').filter({ hasText: 'Signed out' }).waitFor()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await world.logIn(page)
    await press(page, 'Allow')
    await page.getByRole('status').filter({ hasText: 'Signed in as Ada Lovelace' }).waitFor()
  })

  test('who signs out on it is signed out at the server too, and is not sent to sign in (N6)', async () => {
    const page = await signedIn()
    const sent = await world.asked(async () => {
      await press(page, 'Sign out')
      await page.waitForURL(world.urls.react)
      await page.getByRole('status').filter({ hasText: 'Signed out' }).waitFor()
    })
    expect(sent).toEqual(['POST /revoke', 'POST /revoke', 'GET /end_session'])
  })

  test('signed out in another tab, it stays open, says so and sends nobody away (N6)', async () => {
    const page = await signedIn()
    const other = await page.context().newPage()
    await other.goto(world.urls.react)
    await press(other, 'Sign out')
    const sent = await world.asked(async () => {
      await page.getByRole('status').filter({ hasText: 'Signed out' }).waitFor()
      await page.getByRole('button', { name: 'Sign in' }).waitFor()
    })
    expect(sent).not.toContain('GET /authorize')
    expect(page.url()).toBe(profile())
  })
})
