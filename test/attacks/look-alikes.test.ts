import { afterEach, describe, expect, it } from 'vitest'
import { PkceClient } from '../../src/index.ts'
import type { PkceClientOptions } from '../../src/index.ts'
import { failure } from '../support/refreshes.ts'
import { createWorld, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

const listed = 'https://api.example.com/v1/'

/** Another origin, or no place at all, however much it looks like the listed one. */
const otherOrigins = [
  'https://api.example.com.attacker.example/v1/',
  'https://attacker.example/api.example.com/v1/',
  'https://attacker.example/https://api.example.com/v1/',
  'https://attacker.example?https://api.example.com/v1/',
  'https://attacker.example#@api.example.com/v1/',
  'https://attacker.example\\@api.example.com/v1/',
  'https://attacker.example\\.api.example.com/v1/',
  'https://attacker.example/.api.example.com/v1/',
  'https://api.example.com@attacker.example/v1/',
  'https://api.example.com:443@attacker.example/v1/',
  'https://api.example.com%2f@attacker.example/v1/',
  'https://api.example.com\t.attacker.example/v1/',
  'https://api.example.com\n@attacker.example/v1/',
  'https://evilapi.example.com/v1/',
  'https://api-example.com/v1/',
  'https://api.example.co/v1/',
  'https://example.com/v1/',
  'https://v2.api.example.com/v1/',
  'https://api.example.com:444/v1/',
  'https://api.example.com:80/v1/',
  'https://api.example.com./v1/',
  'https://api..example.com/v1/',
  'http://api.example.com/v1/',
  'http://api.example.com:443/v1/',
  'ws://api.example.com/v1/',
  'wss://api.example.com/v1/',
  'ftp://api.example.com/v1/',
  'https://\u0430pi.example.com/v1/',
  'https://ap\u0131.example.com/v1/',
  'https://xn--pi-7kc.example.com/v1/',
  '//attacker.example/api.example.com/v1/',
  '\\\\attacker.example/v1/',
  '///attacker.example/v1/',
  'https:attacker.example/v1/',
  'https:/api.example.com/v1/',
  '/v1/',
  'api.example.com/v1/',
  'blob:https://api.example.com/v1/7f3c',
  'filesystem:https://api.example.com/v1/x',
  'view-source:https://api.example.com/v1/',
  'data:text/plain,https://api.example.com/v1/',
  'javascript:fetch("https://api.example.com/v1/")',
  'about:blank',
]

/** On the listed origin, and beside the listed path. */
const otherPaths = [
  ...['', 'v1x', 'v10', 'V1/', '%76%31/', 'v1%2f', 'v1%5c', 'v1;/', '/v1/', '//v1/', 'x/v1/'],
  ...['v1/..', 'v1/../admin', 'v1/./../admin', 'v1/%2e%2e/admin', 'v1/.%2E/admin', 'v1\\..\\admin'],
  ...['v1/..%2fadmin', 'v1/..%5cadmin', 'v1/%2e%2e%2fadmin', 'v1/..;/admin', 'v1/a/..;b=c/admin'],
  ...['v1/%2e%2e;/admin', 'v1/.%2E;a=b/admin', 'v1/..%3b/admin'],
].map((path) => `https://api.example.com/${path}`)

/** Each with what is listed: the whole origin, or the path alone. */
const lookAlikes: [url: string, listed: string][] = [
  ...otherOrigins.map((url): [string, string] => [url, 'https://api.example.com/']),
  ...otherPaths.map((url): [string, string] => [url, listed]),
]

/** The listed place, spelled in another way: what is sent goes to the place that was judged. */
const respelled = [
  'https://API.EXAMPLE.COM/v1/x',
  'https://api.example.com:443/v1/x',
  'https://api.example.com:/v1/x',
  'https:\\\\api.example.com\\v1\\x',
  'https://api\u3002example.com/v1/x',
  'https://\uff41pi.example.com/v1/x',
  'https://ap\u00adi.example.com/v1/x',
  ' https://api.example.com/v1/x ',
  'ht\ntps://api.exam\tple.com/v1/x',
  'https://api.example.com/v0/../v1/x',
  'https://api.example.com/v1/y/%2e%2e/x',
]

/** Every request that carried a token of ours, but for those of the protocol itself. */
function carriers({ server }: Pick<World, 'server'>): string[] {
  return server.requests
    .filter(({ headers }) => /^Bearer/i.test(headers['authorization'] ?? ''))
    .map(({ url }) => url)
}

const original = globalThis.fetch

afterEach(() => {
  globalThis.fetch = original
})

/** The URL as a program would hold it, or the text where there is no such URL. */
function parsed(text: string, base: string): URL | string {
  return URL.canParse(text, base) ? new URL(text, base) : text
}

describe('a look-alike of a listed place (A-31, A-32, A-33, A-35)', () => {
  it.each(lookAlikes)(
    '%j gets no token from fetch, be it text, a URL or a Request',
    async (text, place) => {
      const world = await signedInTab({ client: { resources: [place] } })
      const url = parsed(text, world.tab.url)
      const inputs: (string | URL | Request)[] = [text, url]
      // A Request cannot be made of every URL; what cannot be made cannot be sent.
      try {
        inputs.push(new Request(url))
      } catch {
        expect(inputs).toHaveLength(2)
      }
      const before = world.server.requests.length
      for (const input of inputs) {
        const error = await world.auth.fetch(input, { method: 'POST' }).catch((e: unknown) => e)
        if (typeof url !== 'string') expect(error).toMatchObject({ code: 'resource_not_allowed' })
        expect(error).toBeInstanceOf(Error)
      }
      expect(world.server.requests).toHaveLength(before)
    },
  )

  // A WebSocket is opened by an https request to the same place.
  const notWebSockets = lookAlikes.filter(([text]) => !text.startsWith('wss:'))

  it.each(notWebSockets)('%j gets no token from getAccessToken', async (text, place) => {
    const { auth, tab } = await signedInTab({ client: { resources: [place] } })
    const url = parsed(text, tab.url)
    if (typeof url === 'string') await expect(auth.getAccessToken({ for: url })).rejects.toThrow()
    for (const one of typeof url === 'string' ? [] : [text, url])
      expect(await failure(auth.getAccessToken({ for: one }))).toMatchObject({
        code: 'resource_not_allowed',
      })
  })

  it.each(lookAlikes)(
    '%j passes the replaced global fetch without a token',
    async (text, place) => {
      const world = await signedInTab({ client: { resources: [place] } })
      const url = parsed(text, world.tab.url)
      const seen: unknown[][] = []
      globalThis.fetch = (...sent) => {
        seen.push(sent)
        return Promise.resolve(new Response())
      }
      world.auth.replaceGlobalFetch()
      const init = { method: 'POST' }
      await globalThis.fetch(text, init)
      await globalThis.fetch(url, init)
      // Handed on as it came: the same input, and the same options, in which there is no token.
      expect(seen).toEqual([
        [text, init],
        [url, init],
      ])
      expect(seen[0]![1]).toBe(init)
      expect(init).toEqual({ method: 'POST' })
    },
  )

  it.each(respelled)(
    '%j is the listed place itself, and the token goes nowhere else',
    async (text) => {
      const world = await signedInTab({ client: { resources: [listed] } })
      await world.auth.fetch(text)
      await world.auth.fetch(new URL(text))
      expect(carriers(world)).toEqual(Array(2).fill(`${listed}x`))
      expect(await world.auth.getAccessToken({ for: text })).toBeTruthy()
    },
  )
})

describe('an entry of the resources option', () => {
  it.each([
    ...['*', 'https://*', 'https://*.example.com/', 'https://api.example.com/*', 'https://*/'],
    ...['//api.example.com/', '\\\\api.example.com\\', '/\\api.example.com/', 'api.example.com'],
    ...['http://api.example.com/', 'ftp://api.example.com/', 'wss://api.example.com/', 'https:'],
    ...['https://user:pw@api.example.com/', 'https://api.example.com@attacker.example/'],
    ...[
      'https://api.example.com/?x',
      'https://api.example.com/#x',
      'https://api.example.com/a%2fb',
    ],
    ...['https://api.example.com/a%5Cb', 'https://api.example.com/a/..;/b', 'https://', ''],
    ...['javascript:alert(1)', 'data:text/plain,x', 'blob:https://api.example.com/7f3c', 'null'],
    ...['https://api.example.com/\n*', ' https://api.example.com/ ', 'https:\\\\api.example.com'],
  ])('%j could be read in more than one way, and is refused (A-32)', (entry) => {
    const { options, tab } = createWorld()
    const make = (resources: unknown) => () =>
      new PkceClient({ ...options, ...tab.ports, resources } as PkceClientOptions)
    expect(make([entry])).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    expect(make([listed, { url: entry }])).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    )
  })
})
