import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAuthServer } from 'pkce-client/testing'
import type { PkceClient } from 'pkce-client'
import type { AuthServer } from 'pkce-client/testing'
import { loadApp } from './app.ts'

const document = 'docs/native-and-cli.md'
const realFetch = globalThis.fetch

let server: AuthServer
beforeEach(() => {
  const loopback = ['http://127.0.0.1/callback']
  server = createAuthServer({
    clients: [
      { clientId: 'my-cli', redirectUris: loopback },
      { clientId: 'my-desktop-app', redirectUris: loopback },
      { clientId: 'my-phone-app', redirectUris: ['com.example.app:/callback'] },
    ],
  })
  vi.stubGlobal('fetch', server.fetch)
})
afterEach(() => vi.useRealTimers())

/** What the user does in the browser. */
async function visit(url: string): Promise<void> {
  await realFetch(await server.authorize(url))
}

test('a program signs in from a terminal', async () => {
  const app = loadApp(document)
  const running = app.run('cli')
  await expect.poll(() => app.printed).toHaveLength(1)
  await visit(String(app.printed[0]).replace('Sign in at ', ''))
  await running
  expect(app.printed.slice(1)).toEqual(['Signed in as Ada Lovelace', 200])
})

test('an Electron app signs in in its main process, and gives its windows data and no token', async () => {
  const handlers: Record<string, () => Promise<unknown>> = {}
  const electron = {
    ipcMain: { handle: (name: string, handler: never) => (handlers[name] = handler) },
    shell: { openExternal: visit },
  }
  await loadApp(document, { electron }).run('electron-main')
  expect(await handlers['sign-in']!()).toMatchObject({ name: 'Ada Lovelace' })
  expect(await handlers['orders']!()).toMatchObject({ error: 'insufficient_scope' })
})

/** A phone: who listens to it, and what the app did with its browser. */
function createPhone(launch?: string) {
  const listeners: Record<string, Set<(event: object) => void>> = {
    appUrlOpen: new Set(),
    browserFinished: new Set(),
  }
  const addListener = async (event: string, listener: (event: object) => void) => {
    listeners[event]!.add(listener)
    return { remove: async () => void listeners[event]!.delete(listener) }
  }
  const opened: string[] = []
  const Browser = {
    addListener,
    open: async ({ url }: { url: string }) => void opened.push(url),
    close: vi.fn(async () => tell('browserFinished')),
  }
  const App = { addListener, getLaunchUrl: async () => launch && { url: launch } }
  const tell = (event: string, facts = {}) => [...listeners[event]!].forEach((one) => one(facts))
  const app = loadApp(document, { '@capacitor/app': { App }, '@capacitor/browser': { Browser } })
  const load = async () =>
    (await app.run('capacitor')) as { auth: PkceClient; start(): Promise<unknown> }
  return { app, load, listeners, opened, Browser, tell }
}

test('a Capacitor app signs in in the browser, and goes on with its own links', async () => {
  const phone = createPhone()
  const { auth } = await phone.load()
  const session = auth.signIn()
  await expect.poll(() => phone.opened).toHaveLength(1)
  phone.tell('appUrlOpen', { url: 'com.example.app:/orders/7' })
  phone.tell('appUrlOpen', { url: await server.authorize(phone.opened[0]!) })
  expect(await session).toMatchObject({ status: 'signed-in' })
  expect(phone.Browser.close).toHaveBeenCalledOnce()
  expect(phone.app.printed).toEqual(['Somebody opened the link com.example.app:/orders/7'])
  await expect.poll(() => phone.listeners['appUrlOpen']!.size).toBe(0)
  expect(phone.listeners['browserFinished']!.size).toBe(0)
})

test('a Capacitor app hears that the user closed the browser', async () => {
  const phone = createPhone()
  const { auth } = await phone.load()
  const session = auth.signIn()
  await expect.poll(() => phone.opened).toHaveLength(1)
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  phone.tell('browserFinished')
  vi.advanceTimersByTime(1000)
  await expect(session).rejects.toMatchObject({ code: 'sign_in_cancelled' })
})

test('a Capacitor app that is started by a link which is no answer starts as ever', async () => {
  const { start } = await createPhone('com.example.app:/orders/7').load()
  expect(await start()).toMatchObject({ kind: 'restored' })
})
