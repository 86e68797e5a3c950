import { expect, test } from 'vitest'
import {
  equalInConstantTime,
  fromBase64Url,
  randomToken,
  sha256,
  toBase64Url,
} from '../../src/server/bytes.ts'

test('base64url is what Node makes of the same bytes, there and back, at every length', () => {
  const all = Uint8Array.from({ length: 259 }, (_, at) => (at * 151) & 255)
  for (let length = 0; length <= all.length; length++) {
    const bytes = all.subarray(0, length)
    const text = toBase64Url(bytes)
    expect(text).toBe(Buffer.from(bytes).toString('base64url'))
    expect(fromBase64Url(text)).toEqual(bytes)
  }
})

test.each([
  ['one character too many', 'A'],
  ['one character too many after a group', 'AAAAA'],
  ['padding', 'AA=='],
  ['the standard alphabet', 'a+/b'],
  ['a blank', 'AA A'],
  ['a line break at the end', 'AAAA\n'],
  ['a letter beyond ASCII', 'AAAé'],
  ['a letter beyond the basic plane', 'AA𝔸'],
  ['bits left over after one byte', 'AB'],
  ['bits left over after two bytes', 'AAB'],
])('base64url refuses %s', (_, text) => {
  expect(fromBase64Url(text)).toBeUndefined()
})

test('a random token has 256 bits and never comes twice', () => {
  const tokens = Array.from({ length: 1000 }, randomToken)
  expect(new Set(tokens).size).toBe(1000)
  for (const token of tokens) expect(fromBase64Url(token)).toHaveLength(32)
})

test('sha256 is the hash of the text in UTF-8', async () => {
  expect(await sha256('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
  expect(await sha256('ß𝔸')).toBe('ZTOuIlIGbWSkcSXj8Uvk1G_Udakh2Kpn18ByTo1XcsU')
})

test.each([
  ['abc', 'abc', true],
  ['', '', true],
  ['abc', 'abd', false],
  ['abc', 'bbc', false],
  ['abc', 'ab', false],
  ['', 'a', false],
])('%j equals %j: %s', (a, b, equal) => {
  expect(equalInConstantTime(a, b)).toBe(equal)
})
