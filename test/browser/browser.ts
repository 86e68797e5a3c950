import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { chromium, firefox } from 'playwright-core'
import { freePort } from '../support/free-port.ts'
import { installDebianPackage, locate, obtain, runToInstall } from '../support/install.ts'
import type { Program } from '../support/install.ts'
import type { Browser, BrowserContext, BrowserType, LaunchOptions } from 'playwright-core'

/** A browser engine the tests can drive. Another engine is one more entry of `engines`. */
interface Engine extends Program {
  type: BrowserType
  options(path: string): LaunchOptions
}

const engines: Record<string, Engine> = {
  chromium: {
    name: 'Chrome, Chromium or Edge',
    type: chromium,
    places: () => [
      'google-chrome',
      'google-chrome-stable',
      'chromium',
      'chromium-browser',
      'microsoft-edge',
      'microsoft-edge-stable',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
      ...['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((folder) => [
        join(process.env[folder] ?? '', 'Google/Chrome/Application/chrome.exe'),
        join(process.env[folder] ?? '', 'Microsoft/Edge/Application/msedge.exe'),
      ]),
      chromium.executablePath(),
    ],
    install: [installDebianPackage('chromium'), installWithPlaywright('chromium')],
    advice:
      'install Google Chrome, Chromium or Microsoft Edge (on Debian: apt-get install chromium)',
    options: () => ({
      args: [
        '--no-sandbox',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
      // What Playwright switches off and people have on.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    }),
  },
  firefox: {
    name: 'Firefox',
    type: firefox,
    places: () => [
      'firefox-esr',
      'firefox',
      '/Applications/Firefox.app/Contents/MacOS/firefox',
      firefox.executablePath(),
    ],
    install: [installDebianPackage('firefox-esr'), installWithPlaywright('firefox')],
    advice: 'install Firefox (on Debian: apt-get install firefox-esr)',
    // People's Firefox speaks WebDriver BiDi; only the one that Playwright brings along has been patched for it.
    options: (path) => (path === firefox.executablePath() ? {} : { channel: 'moz-firefox' }),
  },
}

/** Starts a browser, after getting one if there is none. Fails with a sentence that says what to install. */
export async function launch(name = 'chromium', more: LaunchOptions = {}): Promise<Browser> {
  const { type, options } = prepare(name)
  return type.launch({ ...options, ...more })
}

/** A browser with the windows and the focus that people have, and that refuses windows nobody clicked for. */
export interface ShownBrowser {
  /** Somebody with no cookies, until everything that they opened is closed. */
  newPerson(): Promise<BrowserContext>
  close(): Promise<void>
}

/** Starts it, on a screen nobody sees where there is none. */
export async function launchShown(name: string): Promise<ShownBrowser> {
  const { display, close } = await openScreen()
  const port = await freePort()
  const browser = await launch(name, {
    headless: false,
    ...(display !== undefined && { env: { ...process.env, DISPLAY: display } }),
    ...(name === 'chromium' && { args: ['--no-sandbox', `--remote-debugging-port=${port}`] }),
    ignoreDefaultArgs: ['--disable-back-forward-cache', '--disable-popup-blocking'],
    // Windows are blocked by default; what drives Firefox allows them with what it recommends.
    firefoxUserPrefs: { 'dom.disable_open_during_load': true, 'remote.prefs.recommended': false },
  })
  // Playwright tells every page of Chromium that it has the focus, but for those of a browser that it did not start.
  const own =
    name === 'chromium' &&
    (await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true })).contexts()[0]!
  return {
    async newPerson() {
      const person = own || (await browser.newContext({ viewport: null }))
      await person.clearCookies()
      return person
    },
    async close() {
      await browser.close()
      close()
    },
  }
}

async function openScreen(): Promise<{ display?: string; close: () => void }> {
  if (process.platform !== 'linux' || process.env['DISPLAY']) return { close: () => undefined }
  if (locate('Xvfb') === undefined) installDebianPackage('xvfb')()
  const options = ['-displayfd', '1', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp']
  const screen = spawn('Xvfb', options, { stdio: ['ignore', 'pipe', 'ignore'] })
  const [number] = (await once(screen.stdout, 'data')) as [Buffer]
  return { display: `:${number.toString().trim()}`, close: () => void screen.kill() }
}

/** Starts a browser that keeps what it learns in this folder, as somebody's own does. */
export async function launchProfile(name: string, folder: string): Promise<BrowserContext> {
  const { type, options } = prepare(name)
  return type.launchPersistentContext(folder, options)
}

function prepare(name: string): { type: BrowserType; options: LaunchOptions } {
  const engine = engines[name]!
  const executablePath = obtain(engine)
  return { type: engine.type, options: { ...engine.options(executablePath), executablePath } }
}

/** The engines to run the tests in. */
export const engineNames = Object.keys(engines)

function installWithPlaywright(name: string): () => void {
  return () => runToInstall('npx', ['playwright-core', 'install', name])
}
