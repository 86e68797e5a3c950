import { describe, expect, test } from 'vitest'
import {
  checkCallback,
  readCallback,
  readStatelessError,
  withoutAnswer,
} from '../../src/protocol/callback.ts'
import type { ServerMetadata } from '../../src/protocol/server.ts'

const isOurs = (state: string): boolean => state.startsWith('ours.')
const read = (rest: string) =>
  readCallback(new URL(`https://app.example.com/callback${rest}`), isOurs)

describe('reading a URL', () => {
  test.each([
    '',
    '?',
    '#',
    '?code=x',
    '?code=x&state=',
    '?code=x&state=theirs.1',
    '?error=x&state=5',
    '#code',
    '#id_token',
    '?error=access_denied',
    '#access_token=x',
    '?id_token=x',
    '#code=x',
  ])('%j concerns nobody here', (rest) => {
    expect(read(rest)).toBeUndefined()
  })

  test.each([
    ['?code=x&state=ours.1', true],
    ['?error=x&state=ours.1', true],
    ['?error=x&code=y&state=ours.1', true],
    ['?state=ours.1', false],
    ['#state=ours.1', false],
  ])('%j is ours, and an answer: %s', (rest, isAnswer) => {
    expect(read(rest)).toEqual({ state: 'ours.1', isAnswer, problem: undefined })
  })

  test.each([
    ['?refresh_token=x&state=ours.1', 'it carries a token'],
    ['#code=x&state=ours.1', 'the code is in the fragment'],
    ['?code=&state=ours.1', 'the code is empty'],
    ['?code=x&state=ours.1&state=ours.2', 'a parameter appears twice'],
    ['?code=x&state=theirs.1&state=ours.1', 'a parameter appears twice'],
    ['?code=x&code=x&state=ours.1', 'a parameter appears twice'],
    ['?code=x&state=ours.1&iss=a&iss=a', 'a parameter appears twice'],
    ['?error=x&state=ours.1&error_uri=a&error_uri=b', 'a parameter appears twice'],
    ['?error=x&state=ours.1&error=x', 'a parameter appears twice'],
    ['?error=x&state=ours.1&error_description=a&error_description=b', 'a parameter appears twice'],
  ])('%j claims to be an answer, but %s (C-25, A-14, A-16, G8)', (rest, problem) => {
    expect(read(rest)).toMatchObject({ isAnswer: true, problem })
  })

  test('parameters it does not know may be there as often as they like (C-26)', () => {
    expect(read('?code=x&state=ours.1&foo=1&foo=2&session_state=3')?.problem).toBeUndefined()
  })

  test('a polluted Object.prototype adds no parameter (A-84)', () => {
    Object.assign(Object.prototype, { state: 'ours.1', code: 'x' })
    try {
      expect(read('')).toBeUndefined()
    } finally {
      for (const name of ['state', 'code']) Reflect.deleteProperty(Object.prototype, name)
    }
  })
})

describe('an error without a state (F6)', () => {
  const error = (rest: string) =>
    readStatelessError(new URL(`https://app.example.com/callback${rest}`))

  test.each(['access_denied', 'invalid_scope', 'login_required', 'invalid_target'])(
    '%s is registered for answers',
    (code) => {
      expect(error(`?error=${code}&x=1`)).toBe(code)
    },
  )

  test.each(['?error=card_declined', '?error=', '', '?error=toString', '#error=access_denied'])(
    '%j is none',
    (rest) => {
      expect(error(rest)).toBeUndefined()
    },
  )

  test.each(['?error=access_denied&state=', '?error=access_denied#state=x'])(
    '%j has a state, if only of somebody else',
    (rest) => {
      expect(error(rest)).toBeUndefined()
    },
  )
})

describe('a URL without the answer in it (F5)', () => {
  test.each([
    ['?code=x&state=y&iss=z', ''],
    ['?%63ode=x&st%61te=y&a=1', '?a=1'],
    ['?a=%20+&code=x&&b&=c#', '?a=%20+&b&=c'],
    ['?a=1#state=x&code=y', '?a=1'],
    ['?code=x#/route?error=1', '#/route?error=1'],
    ['?code=x&code=y&response=z&session_state=1', ''],
  ])('%j becomes %j', (rest, left) => {
    const url = new URL(`https://app.example.com/callback/${rest}`)
    expect(withoutAnswer(url, 'https://app.example.com/callback')).toBe(
      `https://app.example.com/callback/${left}`,
    )
  })

  test('without what servers add to answers, unless it is registered in the redirect URI', () => {
    const answer = 'code=x&state=y&scope=openid&authuser=0&hd=example.com&prompt=none&client_info=z'
    const uri = 'https://app.example.com/callback'
    expect(withoutAnswer(new URL(`${uri}?${answer}`), uri)).toBe(uri)
    const own = `${uri}?scope=mine`
    expect(withoutAnswer(new URL(`${own}&code=x&prompt=none`), own)).toBe(own)
  })
})

describe('checking an answer (C-22)', () => {
  const server = (advertised: boolean | undefined): ServerMetadata => ({
    issuer: 'https://login.example.com',
    authorization_endpoint: 'https://login.example.com/authorize',
    token_endpoint: 'https://login.example.com/token',
    ...(advertised !== undefined && {
      authorization_response_iss_parameter_supported: advertised,
    }),
  })
  const check = (query: string, advertised?: boolean) =>
    checkCallback(server(advertised), {
      clientId: 'my-spa',
      state: 'ours.1',
      parameters: new URLSearchParams(`code=x&state=ours.1&${query}`),
    })
  const iss = encodeURIComponent('https://login.example.com')

  test.each([
    [`iss=${iss}`, true],
    [`iss=${iss}`, false],
    [`iss=${iss}`, undefined],
    ['', false],
    ['', undefined],
  ])('%j passes when the server advertises iss: %s', (query, advertised) => {
    expect(check(query, advertised).get('code')).toBe('x')
  })

  test.each([
    ['', true],
    ['iss=', true],
    ['iss=', undefined],
    [`iss=${iss}%2F`, undefined],
    [`iss=${iss}%20`, true],
    ['iss=https%3A%2F%2Fattacker.example', false],
  ])('%j is refused when the server advertises iss: %s', (query, advertised) => {
    expect(() => check(query, advertised)).toThrow(
      expect.objectContaining({ code: 'issuer_mismatch' }),
    )
  })

  test('the issuer counts before the error (C-23)', () => {
    expect(() => check('error=access_denied&iss=https%3A%2F%2Fattacker.example')).toThrow(
      expect.objectContaining({ code: 'issuer_mismatch' }),
    )
  })
})
