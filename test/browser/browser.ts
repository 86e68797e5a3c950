import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, firefox } from 'playwright-core'
import { freePort } from '../support/free-port.ts'
import type { Browser, BrowserContext, BrowserType, LaunchOptions } from 'playwright-core'

/** A browser engine the tests can drive. Another engine is one more entry of `engines`. */
interface Engine {
  name: string
  type: BrowserType
  /** Where it may be installed, best first: a path, or the name of a program on the PATH. */
  places: string[]
  /** Ways to get it where it is not installed, tried in order. */
  install: (() => void)[]
  advice: string
  options(path: string): LaunchOptions
}

const engines: Record<string, Engine> = {
  chromium: {
    name: 'Chrome, Chromium or Edge',
    type: chromium,
    places: [
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
    places: [
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

function obtain(engine: Engine): string {
  const failures: string[] = []
  for (const install of [() => {}, ...engine.install]) {
    try {
      install()
    } catch (error) {
      failures.push((error as Error).message.trim())
    }
    const path = engine.places.map(locate).find((place) => place !== undefined)
    if (path !== undefined) return path
  }
  throw new Error(
    `The browser tests need ${engine.name}, found none and could not get one: please ${engine.advice}, then run them again. What was tried:\n${failures.join('\n')}`,
  )
}

function locate(place: string): string | undefined {
  if (place.includes('/') || place.includes('\\')) return existsSync(place) ? place : undefined
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, place)).find((path) => existsSync(path))
}

function installDebianPackage(name: string): () => void {
  return () => {
    if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
      throw new Error('The distribution is not Debian, or this is not its administrator.')
    }
    run('apt-get', ['update'])
    run('apt-get', ['install', '-y', name])
  }
}

function installWithPlaywright(name: string): () => void {
  return () => run('npx', ['playwright-core', 'install', name])
}

function run(program: string, args: string[]): void {
  const shell = process.platform === 'win32'
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', shell })
}
