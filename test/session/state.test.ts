import { describe, expect, test } from 'vitest'
import { reduce, unknownSession } from '../../src/session/state.ts'
import type { SessionRecord } from '../../src/session/record.ts'

const record: SessionRecord = {
  v: 1,
  sid: 'first',
  gen: 1,
  issuer: 'https://login.example.com',
  clientId: 'app',
  tokenEndpoint: 'https://login.example.com/token',
  scope: 'openid',
  first: '',
  claims: { iss: 'https://login.example.com', sub: 'ada', aud: 'app', exp: 2, iat: 1 },
  access: { default: { token: 'secret', type: 'bearer', obtainedAt: 0, expiresAt: 900 } },
}
const adopted = (next: SessionRecord | undefined, previous?: SessionRecord) => ({
  record: next,
  previous,
})
const signedIn = reduce(unknownSession, adopted(record))

describe('the session an app sees', () => {
  test('signed in: claims, scope and expiry, frozen, and no token', () => {
    expect(signedIn).toEqual({
      status: 'signed-in',
      claims: record.claims,
      scope: 'openid',
      expiresAt: 900,
      stale: false,
    })
    expect(Object.isFrozen(signedIn)).toBe(true)
    expect(JSON.stringify(signedIn)).not.toContain('secret')
  })

  test('the same object while nothing changed that a person could see', () => {
    const unseen = {
      ...record,
      gen: 2,
      idToken: 'a.b.c',
      pending: { unknown: 1, failures: 0, notBefore: 5 },
    }
    expect(reduce(signedIn, adopted(unseen, record))).toBe(signedIn)
    const out = reduce(signedIn, adopted(undefined))
    expect(reduce(out, adopted(undefined))).toBe(out)
    const ended = { ...record, signedOut: 'expired', access: {} } as const
    const expired = reduce(signedIn, adopted(ended, record))
    expect(reduce(expired, adopted(ended, ended))).toBe(expired)
  })

  test('claims keep their object across refreshes, and not across sign-ins', () => {
    const later = {
      ...record,
      gen: 2,
      claims: { ...record.claims! },
      access: { default: { ...record.access.default!, expiresAt: 1800 } },
    }
    expect(reduce(signedIn, adopted(later, record))).toMatchObject({ expiresAt: 1800 })
    expect((reduce(signedIn, adopted(later, record)) as { claims: unknown }).claims).toBe(
      (signedIn as { claims: unknown }).claims,
    )
    const other = { ...record, sid: 'second', claims: { ...record.claims!, sub: 'grace' } }
    expect(reduce(signedIn, adopted(other, record))).toMatchObject({ claims: { sub: 'grace' } })
  })

  test('a refresh that failed for a passing reason makes it stale', () => {
    const failing = { ...record, pending: { unknown: 0, failures: 1, notBefore: 5 } }
    const stale = reduce(signedIn, adopted(failing, record))
    expect(stale).toMatchObject({ status: 'signed-in', stale: true })
    expect(reduce(stale, adopted(record, failing))).toMatchObject({ stale: false })
  })

  test('a server that says nothing of claims or expiry leaves them out', () => {
    const { claims: _, ...bare } = record
    const access = { default: { token: 'secret', type: 'bearer' as const, obtainedAt: 0 } }
    expect(reduce(unknownSession, adopted({ ...bare, access }))).toEqual({
      status: 'signed-in',
      scope: 'openid',
      stale: false,
    })
  })

  test.each([
    'signed-out',
    'expired',
    'ended-by-server',
    'refresh-response-lost',
    'identity-changed',
    'tab-copied',
    'key-lost',
  ] as const)('the end of a session says why: %s', (signedOut) => {
    expect(reduce(signedIn, adopted({ ...record, signedOut, access: {} }, record))).toEqual({
      status: 'signed-out',
      reason: signedOut,
    })
  })
})
