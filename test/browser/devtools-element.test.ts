import { describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { engineNames } from './browser.ts'
import { openPanels, stepOf } from './devtools-panel.ts'
import type { PanelPage } from './devtools-panel.ts'

declare const kit: PanelPage['kit']
declare const panel: PanelPage['panel']
declare const recording: PanelPage['recording']
declare const auth: PanelPage['auth']

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

/** What has the focus, in a few words. */
const focused = (page: Page) =>
  page.evaluate(() =>
    panel.shadowRoot!.activeElement?.textContent.replace(/\s+/g, ' ').trim().slice(0, 60),
  )

const isInView = (page: Page) =>
  page.evaluate(() => {
    const { bottom } = panel
      .shadowRoot!.querySelector('.seq > :last-child')!
      .getBoundingClientRect()
    return bottom <= innerHeight
  })

describe.each(engineNames)('<pkce-devtools> in %s', (engine) => {
  const open = openPanels(engine)

  test('shows what happened, and reads each step as a sentence', async () => {
    const page = await open({ steps: 'refused' })
    const steps = page.getByRole('log', { name: 'What happened' }).getByRole('button')
    expect(await steps.count()).toBe(21)
    for (const name of [
      'Step 9, pkce-client asks the authorization server: POST /token',
      'Step 6, the browser goes from pkce-client to the authorization server: GET /authorize',
      'Step 19, the API refuses pkce-client: 401 invalid_token',
    ])
      expect(await page.getByRole('button', { name }).count()).toBe(1)
    const log = await page.getByRole('log').textContent()
    expect(log).toContain('You pressed “API answers 401”')
    expect(log).toMatch(/Not as expected:\s+The app saw 401\./)
    expect(log).not.toMatch(/Not as expected:\s+Renewed/)
  })

  test('says about a step why it was sent, what was checked, and what each value is for', async () => {
    const page = await open()
    await stepOf(page, 9).click()
    expect(await stepOf(page, 9).getAttribute('aria-current')).toBe('step')
    const inspector = page.getByRole('region', { name: 'POST /token' })
    const text = await inspector.textContent()
    for (const part of [
      'Step 9',
      'POST http://127.0.0.1:4000/token',
      'grant_type=authorization_code',
      'Code and secret, sent directly and never through the address bar.',
      'Checked again by this page',
      'SHA-256(verifier) = challenge of step 5',
      'A stolen code is worthless without it.',
      'RFC 7636 §4.5',
    ])
      expect(text).toContain(part)
    await inspector.getByText('Raw request').click()
    expect(await inspector.locator('pre').textContent()).toBe(
      'POST http://127.0.0.1:4000/token\n\ngrant_type=authorization_code\ncode=uW4f1…9xkQ\n' +
        'code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk\nredirect_uri=http://127.0.0.1:5000/callback',
    )
  })

  test('says of a check that does not hold that it failed, in words', async () => {
    const page = await open({ steps: 'refused' })
    await stepOf(page, 19).click()
    const check = page.getByRole('listitem').filter({ hasText: 'the token has not expired' })
    expect(await check.textContent()).toContain('Failed:')
  })

  test('leads from a value to the other steps that carry the same one', async () => {
    const page = await open({ steps: 'refused' })
    await stepOf(page, 10).click()
    const refreshToken = page.locator('dl > div').filter({ hasText: 'refresh_token' })
    expect(await refreshToken.locator('.trail').innerText()).toMatch(/also in\s+20/)
    await button(page, 'Step 20').click()
    expect(await page.getByRole('heading', { name: 'POST /token' }).isVisible()).toBe(true)
    expect(await focused(page)).toBe('POST /token')
    expect(await stepOf(page, 20).getAttribute('aria-current')).toBe('step')
  })

  test('follows a value: what does not carry it steps back', async () => {
    const page = await open({ steps: 'refused' })
    const weights = () =>
      page.evaluate(() =>
        [...panel.shadowRoot!.querySelectorAll('[data-id]')].flatMap((step, index) =>
          getComputedStyle(step.querySelector('.words')!).fontWeight === '600' ? [index + 1] : [],
        ),
      )
    // Only what was refused is bold otherwise.
    expect(await weights()).toEqual([19])
    await button(page, 'refresh token').click()
    expect(await button(page, 'refresh token').getAttribute('aria-pressed')).toBe('true')
    expect(await weights()).toEqual([10, 20, 21])
    await button(page, 'state').click()
    expect(await weights()).toEqual([5, 6, 8])
    await button(page, 'state').click()
    expect(await weights()).toEqual([19])
  })

  test('can be used by keyboard alone', async () => {
    const page = await open()
    await page.evaluate(() => {
      panel.shadowRoot!.querySelector<HTMLElement>('.chips button:last-child')!.focus()
    })
    await page.keyboard.press('Tab')
    expect(await focused(page)).toMatch(/^Step 1,/)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    expect(await focused(page)).toMatch(/^Step 2,/)
    await page.keyboard.press('Enter')
    expect(await page.getByRole('region', { name: 'auth.signIn()' }).count()).toBe(1)
    await page.keyboard.press('End')
    expect(await focused(page)).toMatch(/^Step 17,/)
    await page.keyboard.press('ArrowDown')
    expect(await focused(page)).toMatch(/^Step 17,/)
    // Away from the log and back to where one was.
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Tab')
    expect(await focused(page)).toMatch(/^Step 17,/)
    await page.keyboard.press('Home')
    expect(await focused(page)).toMatch(/^Step 1,/)
    // One stop of the tab key for the whole log.
    expect(await page.locator('[data-id][tabindex="0"]').count()).toBe(1)
    const outline = await page.evaluate(
      () => getComputedStyle(panel.shadowRoot!.activeElement!).outlineStyle,
    )
    expect(outline).toBe('solid')
  })

  test('on a phone, opens a step as a sheet that Escape closes', async () => {
    const page = await open({ width: 390 })
    const sheet = page.getByRole('dialog')
    expect(await sheet.count()).toBe(0)
    await stepOf(page, 6).focus()
    await page.keyboard.press('Enter')
    expect(await sheet.isVisible()).toBe(true)
    expect(await focused(page)).toBe('Close')
    await page.keyboard.press('Escape')
    expect(await sheet.count()).toBe(0)
    expect(await focused(page)).toMatch(/^Step 6,/)
    await page.keyboard.press('Enter')
    await button(page, 'Close').click()
    expect(await sheet.count()).toBe(0)
  })

  test('on a phone, shows one part at a time, and trouble only where there is some', async () => {
    const page = await open({ width: 390 })
    const [flow, session] = [page.getByRole('log'), page.getByText('Tokens', { exact: true })]
    expect([await flow.isVisible(), await session.isVisible()]).toEqual([true, false])
    await button(page, 'Session').click()
    expect([await flow.isVisible(), await session.isVisible()]).toEqual([false, true])
    await button(page, 'Trouble').click()
    expect(await button(page, 'API answers 401').isVisible()).toBe(true)
    const without = await open({ width: 390, withTrouble: false })
    expect(await button(without, 'Session').count()).toBe(1)
    expect(await button(without, 'Trouble').count()).toBe(0)
  })

  test('marks the steps of other tabs, and not its own', async () => {
    const page = await open({ steps: 'refused' })
    expect(await stepOf(page, 20).textContent()).toContain('tab 2')
    expect(await stepOf(page, 9).textContent()).not.toContain('tab')
    await stepOf(page, 20).click()
    expect(await page.getByText('Step 20, in tab 2').isVisible()).toBe(true)
    await page.evaluate(() => {
      panel.tab = 'two'
      return panel.updateComplete
    })
    expect(await stepOf(page, 20).textContent()).not.toContain('tab')
    expect(await stepOf(page, 9).textContent()).toContain('tab 2')
  })

  test('copies the recording, and says so', async () => {
    const page = await open()
    await page.evaluate(() => {
      const writeText = async (text: string) => void Object.assign(globalThis, { written: text })
      Object.defineProperty(navigator, 'clipboard', { value: { writeText }, configurable: true })
    })
    const written = () => page.evaluate(() => (globalThis as { written?: string }).written)
    await button(page, 'Copy as Mermaid').click()
    await page.getByText('Copied').waitFor()
    expect(await written()).toBe('sequenceDiagram\n%% 17 steps')
    await button(page, 'Copy as JSON').click()
    await expect.poll(async () => JSON.parse((await written())!) as object).toHaveLength(17)
  })

  test('shows the text to copy by hand where the browser does not let the page', async () => {
    const page = await open()
    await page.evaluate(() =>
      Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true }),
    )
    await button(page, 'Copy as Mermaid').click()
    const text = page.getByLabel('Copy the text from here')
    await text.waitFor()
    expect(await text.inputValue()).toBe('sequenceDiagram\n%% 17 steps')
    expect(await page.evaluate(() => panel.shadowRoot!.activeElement?.tagName)).toBe('TEXTAREA')
    await button(page, 'Done').click()
    expect(await text.count()).toBe(0)
  })

  test('clears the recording', async () => {
    const page = await open()
    await stepOf(page, 3).click()
    await button(page, 'Clear').click()
    expect(await page.getByRole('log').getByRole('button').count()).toBe(0)
    expect(await page.getByText('Nothing has happened yet.').isVisible()).toBe(true)
  })

  test('shows a new step to those who are at the end, and lets others read', async () => {
    const page = await open({ steps: 'refused' })
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
    await page.evaluate(async () => {
      for (let count = 0; count < 5; count++) {
        recording.push(kit.signInSteps()[count]!)
        await panel.updateComplete
      }
    })
    expect(await isInView(page)).toBe(true)
    const top = await page.evaluate(async () => {
      scrollTo(0, 0)
      recording.push(kit.signInSteps()[0]!)
      await panel.updateComplete
      return scrollY
    })
    expect(top).toBe(0)
    expect(await isInView(page)).toBe(false)
  })

  test('adds a step to 500 without touching the others', async () => {
    const page = await open({ steps: 'none' })
    const kept = await page.evaluate(async () => {
      const steps = Array.from({ length: 30 }, kit.signInSteps).flat().slice(0, 500)
      recording.set(steps)
      await panel.updateComplete
      const rows = () => [...panel.shadowRoot!.querySelectorAll('[data-id]')]
      const before = rows()
      recording.set([...steps.slice(1), kit.refusedSteps()[1]!])
      await panel.updateComplete
      const after = new Set(rows())
      return before.filter((row) => after.has(row)).length
    })
    expect(kept).toBe(499)
  })

  test('shows which way the session went', async () => {
    const page = await open()
    const diagram = page.getByRole('img', { name: 'The session is signed-in.' })
    expect(await diagram.getAttribute('aria-label')).toContain('It was signed-out before.')
    const taken = () => diagram.locator('.took.line').count()
    expect(await taken()).toBe(2)
    await page.evaluate(async () => {
      auth.become({ status: 'signed-in', scope: '', stale: true })
      await panel.updateComplete
    })
    expect(await page.getByRole('img', { name: 'The session is stale.' }).count()).toBe(1)
    await page.evaluate(async () => {
      auth.become({ status: 'signed-out', reason: 'ended-by-server' })
      await panel.updateComplete
    })
    expect(await page.getByText('It ended: ended-by-server.').isVisible()).toBe(true)
    expect(await page.getByText('none', { exact: true }).count()).toBeGreaterThan(0)
  })

  test('shows what is left of the tokens, second by second', async () => {
    const page = await open({ steps: 'refused' })
    const left = () => page.locator('.left').first().innerText()
    expect(await left()).toMatch(/^14:0\d of 15:00$/)
    const first = await left()
    await expect.poll(left).not.toBe(first)
    expect(await page.getByText('used 1 time', { exact: true }).isVisible()).toBe(true)
    await button(page, 'decode').click()
    expect(await page.getByRole('heading', { name: 'ID token: 9 checks passed' }).count()).toBe(1)
    // By the clock of the app, which may be wrong.
    await page.evaluate(async () => {
      panel.clock = { ...panel.clock, now: () => Date.now() + 7_200_000 }
      await panel.updateComplete
    })
    expect(await left()).toBe('expired: the next call renews')
  })

  test('as a dock, opens from a corner and closes to it', async () => {
    const page = await open({ layout: 'dock' })
    const corner = page.getByRole('button', { name: 'pkce-client, signed-in: open the devtools' })
    expect(await page.getByRole('log').count()).toBe(0)
    await corner.click()
    expect(await page.getByRole('log').isVisible()).toBe(true)
    expect(await focused(page)).toBe('Close')
    await page.evaluate(() => {
      document.onkeydown = ({ key }) => Object.assign(globalThis, { heard: key })
    })
    await page.keyboard.press('Escape')
    expect(await page.getByRole('log').count()).toBe(0)
    expect(await focused(page)).toBe('pkce-client')
    // It was for the panel, and not for the app.
    expect(await page.evaluate(() => 'heard' in globalThis)).toBe(false)
    await corner.click()
    await button(page, 'Close').click()
    expect(await corner.isVisible()).toBe(true)
  })

  test('as docks of several clients, side by side', async () => {
    const page = await open({ layout: 'dock', width: 360 })
    const corners = page.getByRole('button', { name: 'open the devtools' })
    const places = async () =>
      (await Promise.all((await corners.all()).map((one) => one.boundingBox()))).map((box) => box!)
    const addAnother = () =>
      page.evaluate(async () => {
        const another = document.createElement('pkce-devtools')
        another.layout = 'dock'
        document.body.append(another)
        await another.updateComplete
      })
    await addAnother()
    const [first, second] = await places()
    expect(second!.x + second!.width).toBeLessThan(first!.x)
    expect(second!.x).toBeGreaterThanOrEqual(0)
    // A place that has become free is taken again.
    await page.evaluate(() => panel.remove())
    await addAnother()
    expect((await places()).map(({ x }) => x)).toEqual([second!.x, first!.x])
    // The button of the other can be clicked beside the panel that is open.
    await corners.first().click()
    await corners.click()
    expect(await corners.count()).toBe(0)
  })

  test('listens while it is in the page, and not afterwards', async () => {
    const page = await open()
    const counts = await page.evaluate(async () => {
      const listeners = () => [recording.listeners(), auth.listeners()]
      const inPage = listeners()
      const { parentNode } = panel
      panel.remove()
      const outside = listeners()
      recording.clear()
      parentNode!.append(panel)
      await panel.updateComplete
      return {
        inPage,
        outside,
        again: listeners(),
        steps: panel.shadowRoot!.querySelectorAll('.step').length,
      }
    })
    expect(counts).toEqual({ inPage: [1, 1], outside: [0, 0], again: [1, 1], steps: 0 })
  })
})
