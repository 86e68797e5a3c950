import { describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { engineNames } from './browser.ts'
import { openWorld } from './support.ts'

describe.each(engineNames)('an order in the React example in %s', (engine) => {
  const world = openWorld(engine)

  const press = (page: Page, name: string) => page.getByRole('button', { name }).click()
  const waiting = (page: Page) => page.getByRole('group', { name: 'Not sent yet' })
  const says = (page: Page, text: string) =>
    page.getByRole('log', { name: 'Result' }).filter({ hasText: text }).waitFor()
  const isSignedIn = (page: Page) =>
    page.getByRole('status').filter({ hasText: 'Signed in as Ada Lovelace' }).waitFor()

  async function signIn(page: Page): Promise<void> {
    await world.logIn(page)
    await press(page, 'Allow')
    await isSignedIn(page)
  }

  async function visit(): Promise<Page> {
    const page = await (await world.newPerson()).newPage()
    await page.goto(`${world.urls.react}?page=2`)
    return page
  }

  async function order(page: Page, title: string): Promise<void> {
    await page.getByLabel('What to order').fill(title)
    await press(page, 'Place the order')
  }

  const isOrder = (request: string) => request.endsWith('/orders')

  test('placed signed out, it waits while the person signs in, and a click sends it exactly once', async () => {
    const page = await visit()
    const before = await world.asked(async () => {
      await order(page, 'Two looms')
      await signIn(page)
      await waiting(page).filter({ hasText: 'POST /orders {"title":"Two looms"}' }).waitFor()
    })
    expect(before.filter(isOrder)).toEqual([])
    expect(page.url()).toBe(`${world.urls.react}?page=2`)
    const after = await world.asked(async () => {
      await page.getByRole('button', { name: 'Send it' }).dblclick()
      await says(page, 'The API answered 201:\n{\n  "title": "Two looms"\n}')
      expect(await waiting(page).count()).toBe(0)
      await page.getByRole('link', { name: 'Your profile' }).click()
      await page.getByRole('link', { name: 'Home' }).click()
      await isSignedIn(page)
      expect(await waiting(page).count()).toBe(0)
      await page.reload()
      await isSignedIn(page)
      expect(await waiting(page).count()).toBe(0)
    })
    expect(after.filter(isOrder)).toEqual(['POST /orders'])
  })

  test('dropped, or the page reloaded, it is never sent', async () => {
    const page = await visit()
    const sent = await world.asked(async () => {
      await order(page, 'Two looms')
      await signIn(page)
      await press(page, 'Drop it')
      await says(page, 'It was not sent.')
      await press(page, 'Sign out')
      await page.getByRole('status').filter({ hasText: 'Signed out' }).waitFor()
      await page.waitForURL(world.urls.react)
      await order(page, 'Three looms')
      await world.logIn(page)
      await waiting(page).filter({ hasText: 'Three looms' }).waitFor()
      await page.reload()
      await isSignedIn(page)
      expect(await waiting(page).count()).toBe(0)
    })
    expect(sent.filter(isOrder)).toEqual([])
  })

  test('placed signed in, it is sent at once', async () => {
    const page = await visit()
    await press(page, 'Sign in')
    await signIn(page)
    const sent = await world.asked(async () => {
      await order(page, 'Two looms')
      await says(page, 'The API answered 201')
    })
    expect(sent).toEqual(['POST /orders'])
    expect(await waiting(page).count()).toBe(0)
  })

  test('a call that finds the session ended waits for the sign-in too', async () => {
    const page = await visit()
    await press(page, 'Sign in')
    await signIn(page)
    await press(page, 'Revoke the refresh token')
    await says(page, 'The server has ended the session')
    await press(page, 'Call the API')
    await world.logIn(page)
    await waiting(page).filter({ hasText: 'GET /users/me' }).waitFor()
    await press(page, 'Send it')
    await says(page, '"name": "Ada Lovelace"')
  })

  test('who denies the sign-in is told so, and nothing waits or is sent', async () => {
    const page = await visit()
    const sent = await world.asked(async () => {
      await order(page, 'Two looms')
      await world.logIn(page)
      await press(page, 'Deny')
      await page.getByRole('alert').filter({ hasText: 'the user denied the request' }).waitFor()
      await page.reload()
      await page.getByRole('status').filter({ hasText: 'Signed out' }).waitFor()
      expect(await waiting(page).count()).toBe(0)
    })
    expect(sent.filter(isOrder)).toEqual([])
  })
})
