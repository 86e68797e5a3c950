import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { AxeResults, RunOptions } from 'axe-core'
import type { PkceDevtools } from '../../src/devtools/element.ts'
import type { Kit } from './page/devtools.ts'
import { launch } from './browser.ts'

declare const kit: Kit
declare const axe: { run(options: RunOptions): Promise<AxeResults> }

/** What the page of the panel has, besides the panel. */
export interface PanelPage {
  kit: Kit
  panel: PkceDevtools
  recording: ReturnType<Kit['recordingOf']>
  auth: ReturnType<Kit['authOf']>
}

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; require-trusted-types-for 'script'; trusted-types lit-html"

const html = `<!doctype html>
<html lang="en">
<title>The panel of the devtools</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<header><h1>An app</h1></header>
<main></main>
<script src="/devtools.js"></script>
<script src="/axe.js"></script>
`

const css = `:root { color-scheme: light dark; background: light-dark(#f3f5f8, #0e1217); color: light-dark(#1b1f24, #e8ecf1) }
:root[data-theme=light] { color-scheme: light } :root[data-theme=dark] { color-scheme: dark }
body { margin: 0 }`

async function servePage() {
  const read = (path: string) => readFileSync(path, 'utf8')
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page/devtools.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
  })
  const axePath = createRequire(import.meta.url).resolve('axe-core')
  const files: Record<string, [type: string, text: string]> = {
    '/devtools.js': ['text/javascript', outputFiles[0]!.text],
    '/axe.js': ['text/javascript', read(axePath)],
    '/page.css': ['text/css', css],
  }
  const server = createServer(({ url }, response) => {
    const [type, text] = files[url ?? ''] ?? ['text/html', html]
    response.setHeader('content-type', type).setHeader('content-security-policy', policy).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

interface Opened extends BrowserContextOptions {
  steps?: 'signIn' | 'refused' | 'hostile' | 'none' | undefined
  layout?: 'page' | 'dock' | undefined
  withTrouble?: boolean | undefined
  /** What the page has chosen. */
  theme?: 'light' | 'dark' | undefined
  width?: number
}

/** A browser and a page with the panel in it, under a strict policy, for the tests of one file. */
export function openPanels(engine: string) {
  let browser: Browser
  let site: Awaited<ReturnType<typeof servePage>>
  beforeAll(async () => {
    // This Firefox is not told what its user prefers when a page is opened, but when it starts.
    browser = await launch(engine, { firefoxUserPrefs: { 'ui.prefersReducedMotion': 1 } })
    site = await servePage()
  }, 600_000)
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
  afterAll(async () => {
    await browser.close()
    await site.close()
  })
  return async ({ width = 1360, steps, layout, withTrouble, theme, ...context }: Opened = {}) => {
    const viewport = { width, height: 800 }
    const page = await browser.newPage({ viewport, reducedMotion: 'reduce', ...context })
    await page.goto(site.url)
    await page.evaluate(putPanel, { steps, layout, withTrouble, theme })
    return page
  }
}

async function putPanel({
  steps = 'signIn',
  layout = 'page',
  withTrouble = true,
  theme = 'light',
}: Pick<Opened, 'steps' | 'layout' | 'withTrouble' | 'theme'>): Promise<void> {
  const lists = {
    signIn: kit.signInSteps,
    refused: () => [...kit.signInSteps(), ...kit.refusedSteps()],
    hostile: kit.hostileSteps,
    none: () => [],
  }
  document.documentElement.dataset['theme'] = theme
  const recording = kit.recordingOf(lists[steps]())
  const auth = kit.authOf({ status: 'unknown' })
  kit.defineElement()
  const panel = document.createElement('pkce-devtools')
  Object.assign(panel, { recording, auth, layout })
  if (withTrouble) {
    const trouble = document.createElement('button')
    Object.assign(trouble, { slot: 'trouble', textContent: 'API answers 401' })
    panel.append(trouble)
  }
  document.querySelector(layout === 'dock' ? 'body' : 'main')!.append(panel)
  await panel.updateComplete
  auth.become({ status: 'signed-out' })
  const expiresAt = Date.now() + 846_000
  auth.become({ status: 'signed-in', scope: 'openid', stale: false, expiresAt })
  Object.assign(globalThis, { panel, recording, auth })
  // What it measures takes a frame.
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
}

/** What axe-core finds wrong, in a few words each. */
export async function mistakes(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }))
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html: found, failureSummary }) => `${id}: ${found} ${failureSummary}`),
  )
}

/** How far the page can be scrolled sideways. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

/** The step of this number. */
export const stepOf = (page: Page, number: number) =>
  page.getByRole('button', { name: new RegExp(`^Step ${number},`) })
