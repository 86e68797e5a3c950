import { describe, expect, test } from 'vitest'
import { addressOf, createResources, parseResource, secureUrl } from '../../src/api/resources.ts'

const base = 'https://app.example.com/callback'

function judge(...entries: string[]) {
  const list = entries.map((entry) => ({ ...parseResource(entry, base)!, ask: '' }))
  const resources = createResources(list)
  return (url: string) => resources.match(addressOf(new URL(url).href)) !== undefined
}

describe('a listed origin', () => {
  const allows = judge('https://api.example.com/')

  test.each([
    'https://api.example.com/',
    'https://api.example.com',
    'https://api.example.com/users/me?all=1#top',
    'https://API.EXAMPLE.COM:443/users',
    'https://api.example.com//users',
    'https://api。example.com/',
  ])('covers %s', (url) => {
    expect(allows(url)).toBe(true)
  })

  test.each([
    'https://api.example.com.evil.example/',
    'https://evilapi.example.com/',
    'https://sub.api.example.com/',
    'https://api.example.com@evil.example/',
    'https://api.example.com:444/',
    'http://api.example.com/',
    'https://api.example.com./',
    'https://аpi.example.com/',
    'https://evil.example/https://api.example.com/',
    'https://evil.example/?https://api.example.com/',
    'https://evil.example#@api.example.com/',
    'https://evil.example\\@api.example.com/',
    'https://user:password@api.example.com/',
    'https://user@api.example.com/',
    'wss://api.example.com/',
    'blob:https://api.example.com/7f3c',
    'data:text/plain,https://api.example.com/',
  ])('does not cover %s (A-32)', (url) => {
    expect(allows(url)).toBe(false)
  })
})

describe('a listed path', () => {
  const allows = judge('https://api.example.com/v1/')

  test.each([
    'https://api.example.com/v1',
    'https://api.example.com/v1/',
    'https://api.example.com/v1/users',
    'https://api.example.com/v0/../v1/users',
    'https://api.example.com/v1/a%20b',
    'https://api.example.com/v1/a;b=c/.hidden/x...y%3bz',
  ])('covers %s', (url) => {
    expect(allows(url)).toBe(true)
  })

  test.each([
    'https://api.example.com/',
    'https://api.example.com/v10',
    'https://api.example.com/v1x/users',
    'https://api.example.com/V1/users',
    'https://api.example.com/v1/../admin',
    'https://api.example.com/v1/%2e%2e/admin',
    'https://api.example.com/v1/%2E./admin',
    'https://api.example.com/v1\\..\\admin',
    'https://api.example.com/v1/..%2fadmin',
    'https://api.example.com/v1/..%2Fadmin',
    'https://api.example.com/v1/..%5cadmin',
    'https://api.example.com/v1/..;/admin',
    'https://api.example.com/v1/;/..;/admin',
    'https://api.example.com/v1/%2e%2e;/admin',
    'https://api.example.com/v1/.%2E;a=b/admin',
    'https://api.example.com/v1/..%3b/admin',
    'https://api.example.com/v1/%2e.%3B/admin',
    'https://api.example.com//v1/users',
    'https://api.example.com/%76%31/users',
  ])('does not cover %s (A-32)', (url) => {
    expect(allows(url)).toBe(false)
  })
})

test('a path resolves against the redirect URI', () => {
  const allows = judge('/api/')
  expect(allows('https://app.example.com/api/users')).toBe(true)
  expect(allows('https://app.example.com/apix')).toBe(false)
  expect(allows('https://api.example.com/api/users')).toBe(false)
})

test('the front path of the app covers the app and nothing else', () => {
  const allows = judge('/')
  expect(allows('https://app.example.com/anything')).toBe(true)
  expect(allows('https://api.example.com/')).toBe(false)
})

test('the longest match wins', () => {
  const list = ['https://api.example.com/', 'https://api.example.com/v1/orders/', '/']
  const resources = createResources(
    list.map((entry) => ({ ...parseResource(entry, base)!, ask: '' })),
  )
  const match = (url: string) => resources.match(addressOf(new URL(url).href))?.path
  expect(match('https://api.example.com/v1/orders/7')).toBe('/v1/orders')
  expect(match('https://api.example.com/v1/users')).toBe('')
})

test('nothing is listed by default', () => {
  expect(createResources([]).match('https://app.example.com/')).toBeUndefined()
})

describe('a secure URL (C-48)', () => {
  test.each([
    'https://login.example.com/a',
    'http://localhost:8080/',
    'http://app.localhost/',
    'http://127.0.0.1/',
    'http://127.1.2.3:99/',
    'http://[::1]:99/',
  ])('is %s', (url) => {
    expect(secureUrl(url)?.href).toBe(new URL(url).href)
  })

  test.each([
    'http://login.example.com/',
    'http://localhost.example.com/',
    'http://notlocalhost/',
    'http://127.0.0.1.example.com/',
    'http://[::2]/',
    'http://0.0.0.0/',
    'ftp://login.example.com/',
    'javascript:alert(1)',
    'data:text/html,hello',
    'blob:https://login.example.com/7f3c',
    'file:///etc/passwd',
    'https://user@login.example.com/',
    'https://:password@login.example.com/',
    'login.example.com',
    '',
    undefined,
    null,
    7,
    ['https://login.example.com/'],
  ])('is not %j', (value) => {
    expect(secureUrl(value)).toBeUndefined()
  })
})
