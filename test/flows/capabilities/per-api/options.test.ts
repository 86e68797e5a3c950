import { describe, expect, test } from 'vitest'
import { PkceClient, isPkceClientError } from '../../../../src/index.ts'
import { entries } from '../../../support/apis.ts'

const orders = 'https://api.example.com/'
const url = 'https://bills.example.com/'

function complaint(resources: unknown): string {
  try {
    new PkceClient({
      issuer: 'https://login.example.com',
      clientId: 'my-spa',
      redirectUri: 'https://app.example.com/callback',
      resources: resources as never,
    })
  } catch (error) {
    if (isPkceClientError(error) && error.code === 'invalid_option') return error.message
    throw error
  }
  return ''
}

describe('the option resources', () => {
  test.each([
    ['one for each way to name an API', Object.values(entries)],
    ['a string first', [orders, entries.bills, url]],
    ['a plain object first', [{ url: orders }, entries.bills]],
    [
      'members that are undefined',
      [{ url, resource: undefined, scope: undefined, params: undefined }],
    ],
    ['a resource that is a URN', [{ url, resource: 'urn:bills' }]],
    ['only entries with tokens of their own', [entries.bills, entries.graph]],
  ])('takes %s', (_, resources) => {
    expect(complaint(resources)).toBe('')
  })

  test.each([
    ['a string', [entries.bills, orders]],
    ['an object without parameters', [entries.bills, { url: orders }]],
    ['params without any', [entries.bills, entries.graph, { url: orders, params: {} }]],
  ])('refuses %s behind an entry with a token of its own', (_, resources) => {
    expect(complaint(resources)).toMatch(/^resources must be a list whose first entry has no/)
  })

  const wrong: [name: string, entry: object][] = [
    ['resource', { url, resource: 'bills' }],
    ['resource', { url, resource: `${url}#x` }],
    ['resource', { url, resource: '' }],
    ['resource', { url, resource: [url] }],
    ['resource', { url, resource: null }],
    ['scope', { url, scope: '' }],
    ['scope', { url, scope: 'a  b' }],
    ['scope', { url, scope: ['a'] }],
    ['params', { url, params: 'audience=reports' }],
    ['params', { url, params: { audience: 1 } }],
    ...[
      ...['scope', 'client_id', 'redirect_uri', 'state', 'nonce', 'grant_type'],
      ...['refresh_token', 'code', 'code_verifier', 'client_secret', 'client_assertion'],
      ...['client_assertion_type', 'response_type', 'request_uri', 'max_age'],
    ].map((name): [string, object] => ['params', { url, params: { [name]: 'x' } }]),
  ]
  test.each(wrong)('refuses an entry whose %s is wrong: %j', (name, entry) => {
    expect(complaint([orders, entry])).toMatch(new RegExp(`^${name} must be`))
  })

  test.each([
    ['audience', { url, audience: 'reports' }],
    ['constructor', { url, constructor: 'x' }],
  ] as [string, object][])('knows no %s', (_, entry) => {
    expect(complaint([entry])).toMatch(
      /^There is no option \w+, only url, resource, scope, params\.$/,
    )
  })

  test('does not take a parameter that somebody put on Object.prototype', () => {
    Object.assign(Object.prototype, { resource: 'attackers choice' })
    try {
      expect(complaint([{ url }, url])).toBe('')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'resource')
    }
  })
})
