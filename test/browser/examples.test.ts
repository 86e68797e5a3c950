import { expect, test } from 'vitest'
import { engineNames } from './browser.ts'
import { openWorld, signInAtServer } from './support.ts'

const world = openWorld(engineNames[0]!)

test('a person signs in', async () => {
  const person = await world.newPerson()
  const page = await person.newPage()
  await page.goto(world.urls.vanilla)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await signInAtServer(page)
  await page.getByText('Signed in as Ada Lovelace').first().waitFor()
  await page.getByRole('button', { name: 'Call the API' }).click()
  await page.getByText('"name": "Ada Lovelace"').waitFor()
  console.log(await page.locator('body').innerText(), page.url())
  expect(1).toBe(1)
})
