import { describe, expect, it } from 'vitest'
import type { CallbackError } from '../../src/index.ts'
import { createAuthServer, createFakeBrowser, createFakeClock } from '../../src/testing/index.ts'
import { PkceClient } from '../../src/index.ts'
import { rejection } from '../support/world.ts'

/** An app, and what its own host looks like in other spellings. */
interface Place {
  origin: string
  host: string
  /** The same host to a URL parser, though not to the eye. */
  respelled: string
  /** Another host to a URL parser, though not to the eye. */
  lookAlike: string
  otherScheme: string
  defaultPort: number
}

const places: Place[] = [
  {
    origin: 'https://app.example',
    host: 'app.example',
    respelled: 'app\u3002example',
    lookAlike: '\u0430pp.example',
    otherScheme: 'http',
    defaultPort: 443,
  },
  {
    origin: 'http://localhost',
    host: 'localhost',
    respelled: '\uff4cocalhost',
    lookAlike: 'l\u043ecalhost',
    otherScheme: 'https',
    defaultPort: 80,
  },
]

const scheme = ({ origin }: Place): string => origin.split(':')[0]!

/** Of this app: what must come back is what the URL parser makes of it, whole. */
const kept = (place: Place): string[] => [
  '/ok',
  'ok',
  '?x=1',
  '#f',
  `${place.origin.toUpperCase()}/`,
  `${place.origin}:${place.defaultPort}/`,
  `${scheme(place)}://${place.respelled}/`,
  // With a double slash in the path: harmless as a whole URL, and another host as `pathname` alone.
  '/..//evil',
  '/.//evil',
  '/a/..//evil',
  `${place.origin}//evil`,
  '/%2f%2fevil',
  '/%5cevil',
  // Relative to a page of the same scheme.
  `${scheme(place)}:evil`,
  `${scheme(place)}:/evil`,
]

const dropped = (place: Place): string[] => [
  ...['//evil', '///evil', '////evil', '/\\evil', '\\\\evil', '\\/evil', '/\\/evil'],
  ...['/\t/evil', '/\n/evil', '/\r/evil', ' //evil', '\thttps://evil', '\u0000//evil'],
  `${place.otherScheme}:evil`,
  ...['https:///evil', 'https://evil', `//evil@${place.host}@evil`],
  `${place.origin}@evil`,
  `${scheme(place)}://user:pw@${place.host}/`,
  `https://evil\\@${place.host}/`,
  `${place.origin}\\@evil`,
  ...[`${place.origin}.evil`, `${scheme(place)}://evil${place.host}`, `${place.origin}%2eevil`],
  ...[`${place.origin}.`, `${place.origin}:8443`, `${place.otherScheme}://${place.host}`],
  `${scheme(place)}://${place.lookAlike}/`,
  ...['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'java\tscript:alert(1)'],
  ...['\u0001javascript:alert(1)', 'data:text/html,x', 'vbscript:x'],
  `filesystem:${place.origin}/temporary/x`,
  `blob:${place.origin}/7f3c`,
  ...['https://[', 'https://%00/'],
]

function appAt(place: Place) {
  const redirectUri = `${place.origin}/cb`
  const clock = createFakeClock()
  const server = createAuthServer({
    clock,
    clients: [{ clientId: 'app', redirectUris: [redirectUri] }],
  })
  const browser = createFakeBrowser({ clock, origin: place.origin })
  const tab = browser.openTab(`${place.origin}/start/here`)
  const { issuer, fetch } = server
  const client = () => new PkceClient({ issuer, clientId: 'app', redirectUri, fetch, ...tab.ports })
  const back = async (returnTo: string) => {
    const { url } = await client().createAuthorizationUrl({ returnTo })
    return server.authorize(url)
  }
  return { server, browser, tab, client, back }
}

/** Where the app is told to go when this was given to `signIn`. */
async function given(place: Place, returnTo: string): Promise<string | undefined> {
  const { tab, client, back } = appAt(place)
  tab.load(await back(returnTo))
  return (await client().start()).returnTo
}

/** The same when somebody wrote it into storage while the person was away. */
async function planted(place: Place, returnTo: string): Promise<string | undefined> {
  const { browser, tab, client, back } = appAt(place)
  const callback = await back('/start/here')
  for (const [name, text] of browser.local) {
    const transaction = JSON.parse(text) as object
    if (name.includes('|tx|')) browser.local.set(name, JSON.stringify({ ...transaction, returnTo }))
  }
  tab.load(callback)
  return (await client().start()).returnTo
}

/** The same when the sign-in fails, and the app offers to go on where the person was. */
async function afterFailure(place: Place, returnTo: string): Promise<string | undefined> {
  const { server, tab, client, back } = appAt(place)
  server.fault('callback-error')
  tab.load(await back(returnTo))
  return ((await rejection(client().start())) as CallbackError).returnTo
}

describe.each(places)('the returnTo of an app at $origin (C-30, A-77)', (place) => {
  it('is tried with 53 vectors', () => {
    expect(new Set([...kept(place), ...dropped(place)]).size).toBe(53)
  })

  it.each(kept(place))('%j stays on this origin, given back as one whole URL', async (vector) => {
    // The page that signs in is /start/here, the one that comes back /cb.
    const whole = new URL(vector, `${place.origin}/start/here`)
    expect(whole.origin).toBe(place.origin)
    expect(await given(place, vector)).toBe(whole.href)
    expect(await afterFailure(place, vector)).toBe(whole.href)
    expect(await planted(place, vector)).toBe(new URL(vector, `${place.origin}/cb`).href)
  })

  it.each(dropped(place))('%j is dropped, whichever way it comes in', async (vector) => {
    expect(await given(place, vector)).toBeUndefined()
    expect(await planted(place, vector)).toBeUndefined()
    expect(await afterFailure(place, vector)).toBeUndefined()
  })
})
