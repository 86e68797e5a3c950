import { describe, expect, test } from 'vitest'
import {
  CallbackError,
  OAuthServerError,
  PkceClientError,
  isPkceClientError,
} from '../src/index.ts'

describe('PkceClientError', () => {
  test('is an Error with a name that survives minifiers, a code, and nothing assumed', () => {
    const error = new PkceClientError('network', 'The server could not be reached.')
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'PkceClientError',
      code: 'network',
      message: 'The server could not be reached.',
      retryable: false,
      sessionEnded: false,
    })
    expect('cause' in error).toBe(false)
    expect(String(error)).toBe('PkceClientError: The server could not be reached.')
  })

  test('says what follows from it', () => {
    const cause = new TypeError('fetch failed')
    const facts = { retryable: true, sessionEnded: true, cause }
    expect(new PkceClientError('network', 'x', facts)).toMatchObject(facts)
  })
})

describe('OAuthServerError', () => {
  test('keeps the words of the server as data', () => {
    const error = new OAuthServerError('server_error', 'The server answered 400.', {
      error: 'invalid_grant',
      description: 'the code has expired',
      status: 400,
      retryable: true,
    })
    expect(error).toBeInstanceOf(PkceClientError)
    expect(error).toMatchObject({
      name: 'OAuthServerError',
      code: 'server_error',
      error: 'invalid_grant',
      description: 'the code has expired',
      status: 400,
      retryable: true,
    })
  })

  test.each([
    ['a carriage return and a line feed', 'a\r\nb', 'a\\u{d}\\u{a}b'],
    ['an escape sequence', '\u001b[31mred', '\\u{1b}[31mred'],
    ['a nul', 'a\u0000b', 'a\\u{0}b'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['an override of the reading direction', 'a\u202eb', 'a\\u{202e}b'],
    ['an invisible character', 'a\u200bb', 'a\\u{200b}b'],
    ['a tag character', 'a\u{e0041}b', 'a\\u{e0041}b'],
    ['markup, which is harmless as text', '<b>x</b>', '<b>x</b>'],
    ['other alphabets', 'ошибка 错误 🙂', 'ошибка 错误 🙂'],
  ])('shows %s as text of one line (A-18)', (_, description, shown) => {
    expect(new OAuthServerError('server_error', 'x', { description }).description).toBe(shown)
  })

  test('caps what the server says (A-18)', () => {
    const words = { error: 'x'.repeat(5000), description: 'y'.repeat(5000) }
    const error = new OAuthServerError('server_error', 'x', words)
    expect(error.error).toHaveLength(100)
    expect(error.description).toHaveLength(500)
  })

  test.each([undefined, null, 7, {}, ['x']])('takes %j for no words at all', (words) => {
    const error = new OAuthServerError('server_error', 'x', { error: words, description: words })
    expect(error.error).toBeUndefined()
    expect(error.description).toBeUndefined()
  })
})

describe('CallbackError', () => {
  test('is its cause, and what the sign-in was for', () => {
    const cause = new OAuthServerError('rate_limited', 'Later.', { status: 429, retryable: true })
    const error = new CallbackError(cause, { returnTo: 'https://app.example/', appState: [1] })
    expect(error).toBeInstanceOf(PkceClientError)
    expect(error).toMatchObject({
      name: 'CallbackError',
      code: 'rate_limited',
      message: 'Later.',
      retryable: true,
      sessionEnded: false,
      returnTo: 'https://app.example/',
      appState: [1],
    })
    expect(error.cause).toBe(cause)
  })
})

describe('isPkceClientError', () => {
  test('knows all of them', () => {
    const plain = new PkceClientError('timeout', 'x')
    for (const error of [
      plain,
      new OAuthServerError('timeout', 'x', {}),
      new CallbackError(plain, {}),
    ])
      expect(isPkceClientError(error)).toBe(true)
  })

  test('knows those of another copy of this package', () => {
    class PkceClientErrorOfAnotherBundle extends Error {
      readonly isPkceClientError = true
    }
    expect(isPkceClientError(new PkceClientErrorOfAnotherBundle())).toBe(true)
  })

  test.each([undefined, null, 'network', {}, { isPkceClientError: true }, new Error('x'), []])(
    'does not take %j for one',
    (value) => {
      expect(isPkceClientError(value)).toBe(false)
    },
  )
})
