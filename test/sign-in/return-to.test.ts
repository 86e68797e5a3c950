import { describe, expect, test } from 'vitest'
import { safeReturnTo } from '../../src/sign-in/return-to.ts'

const bases = [
  { base: 'https://app.example/cb', origin: 'https://app.example' },
  { base: 'http://localhost:3000/cb', origin: 'http://localhost:3000' },
]

// The vectors of open redirects through returnTo that are elsewhere on every base.
const elsewhere = [
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '\u00a0//evil.example',
  '\u0000//evil.example',
  '//evil.example@app.example',
  '//evil.example:443',
  'https:///evil.example',
  'https://evil.example',
  'https://evil\\@app.example/',
  'https://app.example\\@evil.example/',
  'https://app.example@evil.example',
  'https://user:pw@app.example/',
  'http://user:pw@localhost:3000/',
  'https://app.example.evil',
  'https://evilapp.example',
  'https://app.example%2eevil',
  'https://app.example.',
  'https://app.example:8443/',
  'http://app.example/',
  'http://localhost:3001/',
  'https://localhost:3000/',
  'https://\u0430pp.example/',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  '\u0001javascript:alert(1)',
  'data:text/html,hello',
  'vbscript:x',
  'filesystem:https://app.example/temporary/x',
  'filesystem:http://localhost:3000/temporary/x',
  'blob:https://app.example/7f3c',
  'blob:http://localhost:3000/7f3c',
  'mailto:somebody@app.example',
  'about:blank',
  'https://[',
  'https://%00.example',
  'https://a b.example',
]

describe.each(bases)('with the app at $origin, returnTo (C-30)', ({ base, origin }) => {
  test.each(['/ok', 'ok', '?x=1', '#f', '', '/a/b?c=d#e', `${origin}/full`])(
    '%j stays',
    (value) => {
      expect(safeReturnTo(value, base)).toBe(new URL(value, base).href)
    },
  )

  test.each(elsewhere)('%j is dropped', (value) => {
    expect(safeReturnTo(value, base)).toBeUndefined()
  })

  test.each([
    '/..//evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    `${origin}//evil.example`,
  ])('%j is given back whole, so that its double slash is no way out', (value) => {
    expect(safeReturnTo(value, base)).toBe(`${origin}//evil.example`)
  })

  test.each(['/%2f%2fevil.example', '/%5cevil.example'])('%j stays encoded', (value) => {
    expect(safeReturnTo(value, base)).toBe(origin + value)
  })

  test.each([undefined, null, 7, {}, ['/ok'], new URL('/ok', base)])(
    'that is no string (%j) is dropped',
    (value) => {
      expect(safeReturnTo(value, base)).toBeUndefined()
    },
  )

  test('never leads to another origin, whatever the vector', () => {
    const all = [...elsewhere, 'https:evil.example', 'https:/evil.example', 'http:evil.example']
    for (const value of all) {
      const safe = safeReturnTo(value, base)
      if (safe !== undefined) expect(new URL(safe).origin).toBe(origin)
    }
  })
})

test('"https:evil" is a path on an https base, and another host on an http one (C-30)', () => {
  expect(safeReturnTo('https:evil.example', 'https://app.example/cb')).toBe(
    'https://app.example/evil.example',
  )
  expect(safeReturnTo('https:evil.example', 'http://localhost:3000/cb')).toBeUndefined()
})

test.each(['https://APP.EXAMPLE/x', 'https://app.example:443/x', 'https://app\u3002example/x'])(
  '%s is this app, in its usual spelling (C-30)',
  (value) => {
    expect(safeReturnTo(value, 'https://app.example/cb')).toBe('https://app.example/x')
  },
)

test.each(['about:srcdoc', 'not a url', ''])('with %j as the page, nothing is safe', (base) => {
  expect(safeReturnTo('/ok', base)).toBeUndefined()
})
