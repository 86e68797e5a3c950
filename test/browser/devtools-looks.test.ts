import { describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { engineNames } from './browser.ts'
import { mistakes, openPanels, overflow, stepOf } from './devtools-panel.ts'
import type { PanelPage } from './devtools-panel.ts'

declare const kit: PanelPage['kit']
declare const panel: PanelPage['panel']
declare const recording: PanelPage['recording']

const colourOf = (page: Page) =>
  page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(resolve))
    return getComputedStyle(panel.shadowRoot!.querySelector('.card')!).backgroundColor
  })

const widths = [1360, 768, 390, 360]

describe.each(engineNames)('the panel of the devtools in %s', (engine) => {
  const open = openPanels(engine)

  describe.each(['light', 'dark'] as const)('in %s colours', (theme) => {
    test.each(widths)('is clean by axe-core in all states, %i px wide', async (width) => {
      const page = await open({ width, theme, steps: 'refused' })
      expect(await mistakes(page)).toEqual([])
      await page.getByRole('button', { name: 'access token', exact: true }).click()
      expect(await mistakes(page)).toEqual([])
      await stepOf(page, 9).click()
      await page.getByText('Raw request').click()
      expect(await mistakes(page)).toEqual([])
      if (width > 760) return
      await page.getByRole('button', { name: 'Close' }).click()
      for (const name of ['Session', 'Trouble']) {
        await page.getByRole('button', { name, exact: true }).click()
        expect(await mistakes(page)).toEqual([])
      }
    })

    test('is clean by axe-core without steps, and as a dock', async () => {
      const empty = await open({ theme, steps: 'none', withTrouble: false })
      expect(await mistakes(empty)).toEqual([])
      const docked = await open({ theme, layout: 'dock', withTrouble: false })
      expect(await mistakes(docked)).toEqual([])
      await docked.getByRole('button', { name: 'open the devtools' }).click()
      await stepOf(docked, 6).click()
      expect(await mistakes(docked)).toEqual([])
    })
  })

  test.each([
    ['page', 'refused'],
    ['page', 'hostile'],
    ['dock', 'refused'],
    ['dock', 'hostile'],
  ] as const)(
    'needs no sideways scrolling at any width, as a %s, with steps: %s',
    async (layout, steps) => {
      const page = await open({ steps, layout })
      if (layout === 'dock') await page.getByRole('button', { name: 'open the devtools' }).click()
      await stepOf(page, 1).click()
      for (const width of widths) {
        await page.setViewportSize({ width, height: 800 })
        const inside = await page.evaluate(async () => {
          // What it measures takes a frame.
          for (let frames = 0; frames < 3; frames++)
            await new Promise((resolve) => requestAnimationFrame(resolve))
          const body = panel.shadowRoot!.querySelector('.body')!
          return body.scrollWidth - body.clientWidth
        })
        expect([await overflow(page), inside]).toEqual([0, 0])
      }
    },
  )

  test('shows what a hostile server says as text, and hides nothing of it', async () => {
    const page = await open({ steps: 'hostile' })
    await stepOf(page, 1).click()
    expect(await page.getByRole('heading', { name: '<img src=x' }).count()).toBe(1)
    const { tags, text, harmed } = await page.evaluate(() => ({
      tags: panel.shadowRoot!.querySelectorAll('img, script, [onerror]').length,
      text: panel.shadowRoot!.textContent,
      harmed: 'harmed' in globalThis,
    }))
    expect({ tags, harmed }).toEqual({ tags: 0, harmed: false })
    expect(text).toContain('⟨U+202E⟩gnp.exe')
    expect(text).not.toMatch(/[\u200b\u202e\u2066]/)
  })

  test.each(widths)(
    'draws labels of 2,000 characters within their card, %i px wide',
    async (width) => {
      const page = await open({ width, steps: 'hostile' })
      const [card, ...labels] = await page.evaluate(() => {
        const box = (one: Element) => one.getBoundingClientRect().toJSON() as DOMRect
        const root = panel.shadowRoot!
        return [root.querySelector('.flow')!, ...root.querySelectorAll('.lab, .box')].map(box)
      })
      expect(labels).toHaveLength(6)
      for (const { left, right, height } of labels) {
        expect(left).toBeGreaterThanOrEqual(card!.left)
        expect(right).toBeLessThanOrEqual(card!.right)
        expect(height).toBeLessThan(90)
      }
    },
  )

  test('breaks no strict policy, with all its parts shown', async () => {
    const page = await open({ steps: 'refused', width: 390 })
    await stepOf(page, 3).click()
    await page.getByText('Raw request').click()
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Session', exact: true }).click()
    await page.evaluate(() => {
      panel.layout = 'dock'
      panel.open = true
    })
    const display = await page.evaluate(async () => {
      await panel.updateComplete
      return getComputedStyle(panel.shadowRoot!.querySelector('.life')!).display
    })
    expect(display).toBe('grid')
    expect(await page.evaluate(() => kit.violations)).toEqual([])
    // The policy is in force, and heard of.
    await page.evaluate(() => document.querySelector('h1')!.setAttribute('style', 'color: red'))
    await expect.poll(() => page.evaluate(() => kit.violations.length)).toBe(1)
  })

  test('looks the same, whatever the page’s own styles are', async () => {
    const page = await open({ steps: 'refused' })
    await stepOf(page, 6).click()
    const measure = () =>
      page.evaluate(async () => {
        await new Promise((resolve) => requestAnimationFrame(resolve))
        const parts = [...panel.shadowRoot!.querySelectorAll('h2, button, .v, .why, .lab, small')]
        return parts.map((part) => {
          const { width, height } = part.getBoundingClientRect()
          const { color, font, letterSpacing, textTransform } = getComputedStyle(part)
          return [width, height, color, font, letterSpacing, textTransform].join(' ')
        })
      })
    const before = await measure()
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(`* { color: red !important; font: 40px serif !important; letter-spacing: 1em !important;
        text-transform: uppercase !important; line-height: 3 !important; visibility: hidden !important; text-align: right !important }
        button, .card, .b, li, p { padding: 50px !important; background: red !important }`)
      document.adoptedStyleSheets = [sheet]
    })
    expect(await measure()).toEqual(before)
  })
})

// Firefox does not let a test choose what its user prefers.
describe('the panel of the devtools, for its user’s preferences,', () => {
  const open = openPanels('chromium')

  test('goes by the colours that the page has chosen, else by those of the system', async () => {
    const page = await open({ theme: 'light' })
    const colour = () => colourOf(page)
    const [light, dark] = ['rgb(255, 255, 255)', 'rgb(22, 27, 34)']
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await colour()).toBe(light)
    await page.evaluate(() => delete document.documentElement.dataset['theme'])
    expect(await colour()).toBe(dark)
    await page.emulateMedia({ colorScheme: 'light' })
    expect(await colour()).toBe(light)
    await page.evaluate(() => (document.documentElement.dataset['theme'] = 'dark'))
    expect(await colour()).toBe(dark)
  })

  test('moves nothing for those who asked for less motion', async () => {
    const moving = async (reducedMotion: 'reduce' | 'no-preference') => {
      const page = await open({ reducedMotion })
      return page.evaluate(() => {
        recording.cut('now')
        return panel.updateComplete.then(
          () =>
            panel.shadowRoot!.getAnimations().length +
            panel.getAnimations({ subtree: true }).length,
        )
      })
    }
    expect(await moving('reduce')).toBe(0)
    expect(await moving('no-preference')).toBeGreaterThan(0)
  })

  test('prints the steps, the session and the inspector, black on white', async () => {
    const page = await open({ width: 390, theme: 'dark' })
    await stepOf(page, 6).click()
    await page.emulateMedia({ media: 'print' })
    for (const name of ['Follow a value', 'Views'])
      expect(await page.getByLabel(name).isVisible()).toBe(false)
    for (const name of ['Session', 'Tokens', 'What happened', 'GET /authorize'])
      expect(await page.getByRole('heading', { name }).isVisible()).toBe(true)
    expect(await page.getByRole('button', { name: 'API answers 401' }).isVisible()).toBe(false)
    expect(await colourOf(page)).toBe('rgb(255, 255, 255)')
    const docked = await open({ layout: 'dock' })
    await docked.emulateMedia({ media: 'print' })
    expect(await docked.getByRole('button', { name: 'open the devtools' }).isVisible()).toBe(false)
  })
})
