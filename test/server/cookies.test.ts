import { describe, expect, test } from 'vitest'
import { createCookies, readCookies } from '../../src/server/cookies.ts'

const secure = createCookies({ secure: true, sameSite: 'strict', lifetime: 604_800_000 })
const local = createCookies({ secure: false, sameSite: 'lax', lifetime: 604_800_000 })
const value = 'v'.repeat(43)

const request = (cookie: string) => new Request('https://app.example.com/', { headers: { cookie } })

describe('the session cookie', () => {
  test('has every protective attribute (C-114)', () => {
    expect(secure.setSession(value)).toBe(
      `__Host-Http-pkce=${value}; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Strict`,
    )
  })

  test('has no prefix and is not Secure on http://localhost, where Safari would drop it', () => {
    expect(local.setSession(value)).toBe(
      `pkce=${value}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax`,
    )
  })

  test('is cleared with the same attributes, without which browsers keep it', () => {
    expect(secure.clearSession()).toBe(
      '__Host-Http-pkce=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict',
    )
  })

  test('keeps its prefix under a name of the app', () => {
    const named = createCookies({ secure: true, name: 'shop', sameSite: 'lax', lifetime: 1000 })
    expect(named.sessionName).toBe('__Host-Http-shop')
    expect(named.setSession(value)).toContain('__Host-Http-shop=')
    expect(named.readSession(request(`__Host-Http-shop=${value}`))).toBe(value)
  })

  test.each([
    [1999, 1],
    [Infinity, 34_560_000],
  ])('of a lifetime of %d ms lives for %d seconds', (lifetime, seconds) => {
    const cookies = createCookies({ secure: true, sameSite: 'lax', lifetime })
    expect(cookies.setSession(value)).toContain(`Max-Age=${seconds};`)
  })

  test('is found among others', () => {
    expect(secure.readSession(request(`a=1; __Host-Http-pkce=${value}; b=2`))).toBe(value)
  })

  test.each([
    ['missing', 'a=1'],
    ['empty', '__Host-Http-pkce='],
    ['too short', `__Host-Http-pkce=${'v'.repeat(42)}`],
    ['too long', `__Host-Http-pkce=${'v'.repeat(44)}`],
    ['not base64url', `__Host-Http-pkce=${'v'.repeat(42)}+`],
    ['quoted', `__Host-Http-pkce="${value}"`],
    ['without the prefix', `pkce=${value}`],
    ['in other letters', `__HOST-HTTP-PKCE=${value}`],
    ['a later one of the name', `__Host-Http-pkce=planted; __Host-Http-pkce=${value}`],
  ])('is not read when it is %s', (_, cookie) => {
    expect(secure.readSession(request(cookie))).toBeUndefined()
  })

  test('is not read from a request without cookies', () => {
    expect(secure.readSession(new Request('https://app.example.com/'))).toBeUndefined()
  })
})

describe('the cookie of a sign-in under way', () => {
  test('is sent along when the answer comes from another site, for an hour', () => {
    expect(secure.setTransaction('abcdefgh', 'sealed')).toBe(
      '__Host-Http-pkce-tx-abcdefgh=sealed; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax',
    )
    expect(secure.clearTransaction('abcdefgh')).toBe(
      '__Host-Http-pkce-tx-abcdefgh=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax',
    )
  })

  test('is told from those of other tabs, and all are listed', () => {
    const two = request(
      `pkce-tx-one=first; __Host-Http-pkce-tx-a=1; __Host-Http-pkce=${value}; __Host-Http-pkce-tx-b=2`,
    )
    expect(secure.transactionIds(two)).toEqual(['a', 'b'])
    expect(secure.readTransaction(two, 'b')).toBe('2')
    expect(secure.readTransaction(two, 'c')).toBeUndefined()
    expect(secure.transactionName('b')).toBe('__Host-Http-pkce-tx-b')
  })
})

describe('a Cookie header', () => {
  test.each<[string | null, [string, string][]]>([
    [null, []],
    ['', []],
    ['a=1', [['a', '1']]],
    [
      ' a = 1 ;b=2;',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['a=1=2', [['a', '1=2']]],
    ['a=first; a=second', [['a', 'first']]],
    ['alone; =nameless; a=1', [['a', '1']]],
    [
      '__proto__=1; constructor=2',
      [
        ['__proto__', '1'],
        ['constructor', '2'],
      ],
    ],
  ])('%j is read as %j', (header, pairs) => {
    expect([...readCookies(header)]).toEqual(pairs)
  })

  test('is read to 16 kB and no further, in a moment', () => {
    const hostile = ['; '.repeat(500_000), '='.repeat(1_000_000), ' '.repeat(1_000_000)]
    for (const header of hostile) expect(readCookies(header).size).toBeLessThan(2)
    expect(readCookies(`a=1; ${'x'.repeat(16_384)}; b=2`)).toEqual(new Map([['a', '1']]))
  })
})
