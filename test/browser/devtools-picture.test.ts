import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { openWorld } from './support.ts'

const file = join(import.meta.dirname, '../../docs/figures/devtools.png')
const world = openWorld('chromium')

/** What is written in each row of the panel, without numbers and milliseconds. */
const rows = (page: Page) =>
  page.locator('pkce-devtools').getByRole('log').getByRole('listitem').allInnerTexts()

/** Somebody who has signed in to the React example with the panel open. */
async function visit(): Promise<Page> {
  const person = await world.newPerson()
  const page = await person.newPage()
  await page.setViewportSize({ width: 1200, height: 800 })
  await page.goto(world.urls.react)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await world.logIn(page)
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByRole('status').filter({ hasText: 'Signed in as Ada Lovelace' }).waitFor()
  await page.getByRole('button', { name: 'open the devtools' }).click()
  return page
}

describe('the devtools in the React example', () => {
  test('show a sign-in by redirect as one sequence, although the page was left', async () => {
    const page = await visit()
    const text = (await rows(page)).join('\n')
    const told = ['sign in (redirect)', 'GET /authorize', '302 /callback', 'POST /token']
    const places = [...told, '200 tokens', 'session: signed-in'].map((label) => text.indexOf(label))
    expect(places).not.toContain(-1)
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })

  test('go on in a page that comes back from the back/forward cache, with what the pages after it have recorded', async () => {
    const page = await visit()
    const before = await rows(page)
    // Over the consent page and the login page.
    await world.goBack(page, 3)
    await page.getByRole('log', { name: 'Result' }).getByText('You are back').waitFor()
    await page.getByRole('button', { name: 'open the devtools' }).click()
    expect((await rows(page)).slice(0, before.length)).toEqual(before)
  })

  test('look as in the guide', async () => {
    const page = await visit()
    await page.getByRole('log', { name: 'What happened' }).getByText('POST /token').click()
    const taken = await page.screenshot({ animations: 'disabled' })
    // `npm run figures`
    if (expect.getState().snapshotState.snapshotUpdateState === 'all') writeFileSync(file, taken)
    expect(existsSync(file)).toBe(true)
    const kept = readFileSync(file)
    expect(sizeOf(kept)).toEqual(sizeOf(taken))
    expect(kept.length).toBeLessThan(150_000)
  })
})

/** Width and height in the header of a PNG file. */
const sizeOf = (png: Buffer) => [png.readUInt32BE(16), png.readUInt32BE(20)]
