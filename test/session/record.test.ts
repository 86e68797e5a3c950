import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRecord } from '../../src/session/record.ts'
import type { SessionRecord } from '../../src/session/record.ts'
import { fuzz, fuzzTimeout } from '../support/fuzz.ts'

const client = { issuer: 'https://login.example.com', clientId: 'app' }
const binding = { ...client, first: '', tokenType: 'Bearer' as const }
const record: SessionRecord = {
  v: 1,
  sid: 'sid',
  gen: 3,
  ...client,
  first: '',
  tokenEndpoint: 'https://login.example.com/token',
  endpoints: ['https://login.example.com/userinfo'],
  refreshToken: 'refresh',
  idToken: 'a.b.c',
  claims: { iss: binding.issuer, sub: 'ada', aud: 'app', exp: 2, iat: 1 },
  scope: 'openid',
  pending: { unknown: 1, failures: 2, notBefore: 1000 },
  access: { default: { token: 'access', type: 'bearer', obtainedAt: 1, expiresAt: 2 } },
}
const { pending: _, refreshToken: __, claims: ___, ...least } = record

test.each<[string, SessionRecord]>([
  ['everything', record],
  ['the least', least],
  ['a tombstone', { ...least, access: {}, signedOut: 'expired' }],
])('what was written is read: %s', (_name, written) => {
  expect(parseRecord(JSON.stringify(written), binding)).toEqual(written)
})

test('a record without a member it needs, or with one of another type, is none', () => {
  const needed = ['v', 'sid', 'gen', 'issuer', 'clientId', 'tokenEndpoint', 'scope', 'access']
  for (const name of Object.keys(record)) {
    for (const value of [null, true, [7], 'text', 1e999, undefined]) {
      const changed = { ...record, [name]: value }
      const read = parseRecord(JSON.stringify(changed), binding)
      if (value === undefined) expect(read === undefined).toBe(needed.includes(name))
      else if (read)
        expect(typeof read[name as keyof SessionRecord]).toBe(
          typeof record[name as keyof SessionRecord],
        )
    }
  }
})

test(
  'nothing that is stored makes it throw, and nothing but ours comes out (A-75)',
  { timeout: fuzzTimeout },
  () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.jsonValue(),
      fc.json(),
      fc.record({
        v: fc.constant(1),
        sid: fc.jsonValue(),
        access: fc.jsonValue(),
        claims: fc.jsonValue(),
      }),
      fc.dictionary(
        fc.constantFrom(...Object.keys(record), '__proto__', 'constructor'),
        fc.jsonValue(),
      ),
    )
    const text = anything.map((value) => {
      try {
        return JSON.stringify({ ...record, ...(value as object) })
      } catch {
        return value
      }
    })
    fc.assert(
      fc.property(fc.oneof(anything, text), (stored) => {
        const read = parseRecord(stored, binding)
        if (read) expect(read).toMatchObject({ v: 1, ...client })
      }),
      fuzz(100),
    )
  },
)

test('a record for another issuer or client is none', () => {
  expect(parseRecord(JSON.stringify(record), { ...binding, clientId: 'other' })).toBeUndefined()
  expect(
    parseRecord(JSON.stringify(record), { ...binding, issuer: 'https://x.example' }),
  ).toBeUndefined()
})
