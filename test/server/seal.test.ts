import { describe, expect, test } from 'vitest'
import { createSeal } from '../../src/server/seal.ts'

const secret = 'a secret of the app, long enough to be one'
const older = 'the secret that the app had before this one'

describe('a sealed text', () => {
  const seal = createSeal([secret])

  test.each([
    '',
    'a',
    '{"refresh":"ß𝔸"}',
    '\uFEFFbegins with a byte order mark',
    'x'.repeat(50_000),
  ])('opens to what was sealed', async (text) => {
    expect(await seal.open(await seal.seal(text, 'record'), 'record')).toBe(text)
  })

  test('opens at another process with the same secret', async () => {
    const sealed = await seal.seal('tokens', 'record')
    expect(await createSeal([secret]).open(sealed, 'record')).toBe('tokens')
  })

  test('shows nothing of the text, and is another each time', async () => {
    const [first, second] = [await seal.seal('tokens', 'k'), await seal.seal('tokens', 'k')]
    expect(first).not.toBe(second)
    expect(Buffer.from(first, 'base64url').toString('latin1')).not.toContain('tokens')
  })

  test('does not open where it does not belong, such as under another key of a store', async () => {
    expect(await seal.open(await seal.seal('tokens', 'mine'), 'yours')).toBeUndefined()
  })

  test('does not open once a single character has changed, anywhere', async () => {
    const sealed = await seal.seal('tokens', 'k')
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === 'A' ? 'B' : 'A'
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1)
      expect(await seal.open(changed, 'k'), `at ${at}`).toBeUndefined()
    }
  })

  test('does not open once cut or longer', async () => {
    const sealed = await seal.seal('tokens', 'k')
    for (let length = 0; length < sealed.length; length++)
      expect(await seal.open(sealed.slice(0, length), 'k'), `cut to ${length}`).toBeUndefined()
    for (const more of ['A', 'AA', 'AAAA', '.', '\n'])
      expect(await seal.open(sealed + more, 'k')).toBeUndefined()
  })

  test.each(['', 'null', '{}', 'eyJhbGciOiJub25lIn0..', '\0', '💥'.repeat(20)])(
    'may be anything: %j does not open',
    async (text) => {
      expect(await seal.open(text, 'k')).toBeUndefined()
    },
  )

  test('is not even read when it is longer than 1 MB', async () => {
    const sealed = await seal.seal('x'.repeat(1024 * 1024), 'k')
    expect(await seal.open(sealed, 'k')).toBeUndefined()
  })
})

test('what the first release sealed opens, and its macs count: machines are updated one by one', async () => {
  const seal = createSeal([secret])
  const sealed = 'asuWMux49eHKcQTU4Xyo_HQ_Q8V0ReC7AQi6upLSQZbIsjT6ad6mXg'
  expect(await seal.open(sealed, 'session|k')).toBe('tokens')
  expect(await seal.mac('session')).toBe('_PWYJ2YUkQbw1Jnk2X7DIGXdMqHsDVsxpO0nh7dtk9Q')
})

describe('while a secret is changed', () => {
  const before = createSeal([older])
  const during = createSeal([secret, older])
  const after = createSeal([secret])

  test('what either secret sealed opens, and the new one seals', async () => {
    expect(await during.open(await before.seal('tokens', 'k'), 'k')).toBe('tokens')
    expect(await after.open(await during.seal('tokens', 'k'), 'k')).toBe('tokens')
  })

  test('what the removed secret sealed opens no more', async () => {
    expect(await after.open(await before.seal('tokens', 'k'), 'k')).toBeUndefined()
  })

  test('tokens made by either secret count, and the new one makes them', async () => {
    const [old, current] = [await before.mac('session'), await after.mac('session')]
    expect(await during.macs('session')).toEqual([current, old])
    expect(await during.mac('session')).toBe(current)
  })
})

test('a mac has 43 base64url characters and differs by text and by secret', async () => {
  const macs = await Promise.all([
    createSeal([secret]).mac('a'),
    createSeal([secret]).mac('b'),
    createSeal([older]).mac('a'),
  ])
  for (const mac of macs) expect(mac).toMatch(/^[\w-]{43}$/)
  expect(new Set(macs).size).toBe(3)
})
