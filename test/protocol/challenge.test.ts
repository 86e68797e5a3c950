import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asksForMore, refusesToken } from '../../src/api/scheme.ts'
import { readChallenges } from '../../src/protocol/challenge.ts'
import { fuzz, fuzzTimeout } from '../support/fuzz.ts'

const another = { renew: true, invalidToken: false }
const expired = { renew: true, invalidToken: true }
const useless = { renew: false, invalidToken: false }

async function judge(header: string | null) {
  const challenges = await readChallenges(
    new Response(null, {
      status: 401,
      headers: { ...(header !== null && { 'www-authenticate': header }) },
    }),
  )
  return { renew: !asksForMore(challenges), invalidToken: refusesToken(challenges) }
}

describe('what the WWW-Authenticate header of a 401 asks for (C-85)', () => {
  test.each<[string | null, typeof another]>([
    [null, another],
    ['', another],
    ['Bearer', another],
    ['Bearer realm="api"', another],
    ['Bearer error="invalid_token"', expired],
    ['Bearer error=invalid_token', expired],
    ['bearer ERROR="invalid_token"', expired],
    ['Bearer realm="a, b", error="invalid_token"', expired],
    ['Bearer realm="say \\"error=\\"", error="invalid_token"', expired],
    ['Basic realm="x", Bearer error="invalid_token"', expired],
    ['Bearer error="invalid_token", Basic realm="x"', expired],
    ['Negotiate, Basic realm="x", Bearer error="invalid_token", scope="a b"', expired],
    ['Negotiate YII=, Bearer error="invalid_token"', expired],
    ['Bearer error="insufficient_scope", scope="admin"', useless],
    ['Bearer error="insufficient_user_authentication", max_age="60"', useless],
    [
      'DPoP error="invalid_token", Bearer error="insufficient_scope"',
      { ...useless, invalidToken: true },
    ],
    ['Bearer error_description="insufficient_scope"', another],
    ['Bearer error="invalid_request"', another],
    ['Bearer realm="unbalanced', another],
    ['=,=,=', another],
    ['Bearer , ,', another],
    ['"', another],
  ])('%s', async (header, judgement) => {
    expect(await judge(header)).toEqual(judgement)
  })

  test('no header makes it throw (A-74)', { timeout: fuzzTimeout }, async () => {
    const piece = fc.constantFrom(
      'Bearer ',
      'Basic ',
      'error',
      '=',
      '"',
      '\\',
      ',',
      ' ',
      'invalid_token',
      'realm',
      'YII=',
    )
    const header = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
    )
    await fc.assert(
      fc.asyncProperty(header, async (text) => {
        const judgement = await judge(text)
        expect(typeof judgement.renew).toBe('boolean')
      }),
      fuzz(100),
    )
  })

  test('a header of exactly 8 kB is read (A-74)', async () => {
    const end = '", error="insufficient_scope"'
    const long = 'Bearer realm="'.padEnd(8192 - end.length, 'a') + end
    expect(await judge(long)).toEqual(useless)
  })

  test('a header longer than 8 kB is not read (A-74)', async () => {
    const long = `Bearer realm="${'a'.repeat(8192)}", error="insufficient_scope"`
    expect(await judge(long)).toEqual(another)
  })
})
