import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { PkceClient, PkceClientOptions } from '../../../src/index.ts'
import { api } from '../../support/api-calls.ts'
import { fuzz, fuzzTimeout } from '../../support/fuzz.ts'
import { failure } from '../../support/refreshes.ts'
import { createWorld, usualSessionKey } from '../../support/world.ts'

type Input = string | URL | Request
type Client = Partial<PkceClientOptions>

const issuer = 'https://login.example.com'

/** Ada is signed in, the API answers everything, and what it is sent is written down. */
async function watchedTab(client: Client = {}, discovered: object = {}) {
  const sent: { input: Input; token: string | null }[] = []
  const world = createWorld()
  const fetch = async (input: Input, init?: RequestInit): Promise<Response> => {
    const isForApi = typeof input !== 'string' || !input.startsWith(`${issuer}/`)
    if (isForApi || input === `${issuer}/users/me`) {
      sent.push({ input, token: new Headers(init?.headers).get('authorization') })
      return new Response()
    }
    const response = await world.server.fetch(input, init)
    if (!input.endsWith('/openid-configuration')) return response
    return Response.json({ ...((await response.json()) as object), ...discovered })
  }
  const overrides = { resources: [`${api}/`], fetch, ...client }
  const auth = await world.signIn(world.tab, { overrides })
  /** The page is loaded anew, from what is stored. */
  const reload = async (change: (record: { endpoints?: unknown }) => void) => {
    const record = world.storedSession()!
    change(record)
    world.browser.local.set(usualSessionKey, JSON.stringify(record))
    const next = world.load(world.tab, 'https://app.example.com/', overrides)
    await next.start()
    return next
  }
  return { ...world, auth, sent, reload }
}

let parsed = 0
class CountedURL extends URL {
  constructor(...args: ConstructorParameters<typeof URL>) {
    super(...args)
    parsed += 1
  }
}

/** How many URLs are parsed for one call. */
async function parsedFor(auth: PkceClient, input: Input): Promise<number> {
  parsed = 0
  vi.stubGlobal('URL', CountedURL)
  await auth.fetch(input).catch(() => {})
  vi.unstubAllGlobals()
  return parsed
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('a string on an origin that is listed whole', () => {
  test.each([
    '/',
    '/users/me',
    '/users?q=a#b',
    '//x',
    '/@x',
    '/a/../b',
    '/%2f%5c',
    '/..;/',
    '/a:443',
  ])('is sent as it is, with the token, and is not parsed: %s (E11)', async (path) => {
    const { auth, sent } = await watchedTab()
    expect(await parsedFor(auth, api + path)).toBe(0)
    expect(sent).toEqual([{ input: api + path, token: expect.stringMatching(/^Bearer ./) }])
  })

  test.each([
    ['a backslash', `${api}/a\\b`],
    ['a blank', `${api}/a b`],
    ['a blank in front', ` ${api}/a`],
    ['a tab', `${api}/a\tb`],
    ['a line feed', `${api}/a\n`],
    ['a character outside ASCII', `${api}/caf\u00e9`],
    ['a delete character', `${api}/\u007f`],
    ['another spelling of the host', 'https://API.example.com/a'],
    ['the default port', `${api}:443/a`],
    ['no slash', api],
    ['no slash before the query', `${api}?q=1`],
  ])('is parsed where parsers may read it differently: %s (E11)', async (_, text) => {
    const { auth, sent } = await watchedTab()
    expect(await parsedFor(auth, text)).toBeGreaterThan(0)
    expect(sent).toEqual([{ input: new URL(text).href, token: expect.stringMatching(/^Bearer ./) }])
  })

  test.each<[string, string[]]>([
    ['an entry with a path', [`${api}/users/`]],
    ['two entries for the origin', [`${api}/`, `${api}/users/`]],
    ['the same entry twice', [`${api}/`, `${api}/`]],
  ])('is parsed with %s (E11)', async (_, resources) => {
    const { auth, sent } = await watchedTab({ resources })
    expect(await parsedFor(auth, `${api}/users/me`)).toBeGreaterThan(0)
    expect(sent).toHaveLength(1)
  })

  test('is parsed without the address of the page (E11)', async () => {
    const world = createWorld({ client: { resources: [`${api}/users/`] } })
    await world.signIn()
    const baseUrl = vi.fn(world.tab.ports.host.baseUrl)
    const auth = world.client(world.tab, { host: { ...world.tab.ports.host, baseUrl } })
    for (const [url, reads] of [
      [`${api}/users/me`, 0],
      ['/users/me', 1],
    ] as const) {
      await auth.fetch(url).catch(() => {})
      expect(baseUrl).toHaveBeenCalledTimes(reads)
    }
  })

  test('is not parsed beside entries for other origins (E11)', async () => {
    const resources = ['https://files.example.com/', `${api}/`, `${issuer}/api/`]
    const { auth } = await watchedTab({ resources })
    expect(await parsedFor(auth, `${api}/users/me`)).toBe(0)
  })
})

describe('a string on an origin where the authorization server has an endpoint', () => {
  const place = `${api}/oauth/userinfo`
  const refused = async (auth: PkceClient) => {
    expect(await failure(auth.fetch(place))).toMatchObject({ code: 'resource_not_allowed' })
    expect(await parsedFor(auth, `${api}/users/me`)).toBeGreaterThan(0)
  }

  test('is parsed when the option metadata says so (E11)', async () => {
    const { auth, sent } = await watchedTab({ metadata: { userinfo_endpoint: place } })
    await refused(auth)
    expect(sent).toHaveLength(1)
  })

  test('is parsed when discovery says so (E11)', async () => {
    const { auth } = await watchedTab({}, { userinfo_endpoint: place })
    await refused(auth)
  })

  test('is parsed when the stored session says so (E11)', async () => {
    const { reload } = await watchedTab()
    await refused(await reload((record) => (record.endpoints = [`${issuer}/token`, place])))
  })

  test('is parsed when the option metadata says so, and the stored session does not (E11)', async () => {
    const { reload } = await watchedTab({ metadata: { userinfo_endpoint: place } })
    await refused(await reload((record) => (record.endpoints = [`${issuer}/token`])))
  })

  test('is parsed when it is the origin of the issuer, and the stored session names none there (E11)', async () => {
    const { reload } = await watchedTab({ resources: [`${issuer}/`] })
    const auth = await reload((record) => (record.endpoints = ['https://other.example/token']))
    expect(await parsedFor(auth, `${issuer}/users/me`)).toBeGreaterThan(0)
  })

  test('is parsed when it is the origin of the issuer (E11)', async () => {
    const resources = [`${issuer}/`]
    const { auth } = await watchedTab({ resources })
    expect(await parsedFor(auth, `${issuer}/users/me`)).toBeGreaterThan(0)
  })

  test('is parsed while nobody knows where the endpoints are (E11)', async () => {
    const { reload } = await watchedTab()
    const auth = await reload((record) => delete record.endpoints)
    expect(await parsedFor(auth, `${api}/users/me`)).toBeGreaterThan(0)
    await auth.refresh()
    expect(await parsedFor(auth, `${api}/users/me`)).toBe(0)
  })

  test('is not parsed after a reload, when the stored session knows them (E11)', async () => {
    const { reload } = await watchedTab()
    const auth = await reload(() => {})
    expect(await parsedFor(auth, `${api}/users/me`)).toBe(0)
  })
})

/** URLs, and what is nearly one: whatever makes parsers disagree, put together at random. */
const pieces = {
  scheme: [
    'https://',
    'https:/',
    'https:',
    'HTTPS://',
    'ht\ttps://',
    ' https://',
    'http://',
    '//',
    '\\\\',
    '/',
    '',
  ],
  wrapped: [
    'blob:https://',
    'wss://',
    'view-source:https://',
    'data:,https://',
    'filesystem:https://',
  ],
  host: [
    'api.example.com',
    'API.example.com',
    'api.example.com.',
    'xapi.example.com',
    'api.example.co',
    'login.example.com',
  ],
  port: [
    '',
    '',
    '',
    ':443',
    ':444',
    ':',
    '@',
    '@attacker.example',
    ':x@attacker.example',
    '.attacker.example',
    '%2f',
    '\u3002',
    '\n',
    '\\',
  ],
  rest: [
    '/',
    '/',
    '//',
    '\\',
    '@',
    '..',
    '.',
    '%2e',
    '%2f',
    '%5c',
    '..;',
    '?',
    '#',
    '\t',
    '\n',
    ' ',
    '\u0000',
    '\u00e9',
    '\ud800',
    '[',
    '|',
    'users',
    'token',
    '@attacker.example',
    'https://attacker.example',
    ':443',
  ],
}
const texts = fc
  .tuple(
    fc.oneof(fc.constant('https://'), fc.constantFrom(...pieces.scheme, ...pieces.wrapped)),
    fc.oneof(fc.constant('api.example.com'), fc.constantFrom(...pieces.host)),
    fc.constantFrom(...pieces.port),
    fc.array(fc.constantFrom(...pieces.rest), { maxLength: 6 }),
  )
  .map(([scheme, host, port, rest]) => scheme + host + port + rest.join(''))

test(
  'the shortcut never decides differently from the parsed way, nor sends elsewhere (E11, A-31, A-32)',
  async () => {
    // A second entry for the origin means the same, and has everything parsed.
    const resources = [`${api}/`, `${api}/second/`]
    const short = await watchedTab()
    const long = await watchedTab({ resources })
    const outcome = async ({ auth, sent }: typeof short, text: string) => {
      sent.length = 0
      const error = await auth.fetch(text).then(
        () => undefined,
        (thrown: unknown) => String(thrown),
      )
      const places = sent.map(({ input, token }) => [new Request(input).url, token !== null])
      return { error, places }
    }
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const found = await outcome(short, text)
        expect(found).toEqual(await outcome(long, text))
        for (const [url, token] of found.places) {
          expect(String(url).startsWith(`${api}/`)).toBe(true)
          expect(token).toBe(true)
        }
      }),
      fuzz(3_000),
    )
  },
  fuzzTimeout,
)
