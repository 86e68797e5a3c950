import { describe, expect, test, vi } from 'vitest'
import { pageHost } from '../../src/host/browser.ts'
import { noHost } from '../../src/host/none.ts'

describe.each([
  ['noHost', noHost],
  ['pageHost without a page', pageHost],
])('%s', (_, make) => {
  test('has no address', () => {
    expect(make().url()).toBeUndefined()
  })

  test('has nothing to resolve relative URLs against', () => {
    expect(make().baseUrl()).toBeUndefined()
  })

  test('resolves relative URLs against the script of a worker', () => {
    vi.stubGlobal('location', { href: 'https://app.example.com/worker.js' })
    expect(make().baseUrl()).toBe('https://app.example.com/worker.js')
  })

  test('a worker shows no address', () => {
    vi.stubGlobal('location', { href: 'https://app.example.com/worker.js' })
    expect(make().url()).toBeUndefined()
  })

  test('takes a new address and does nothing', () => {
    expect(() => make().replaceUrl('https://app.example.com/')).not.toThrow()
  })

  test('refuses to navigate, and says what to do instead', () => {
    const secret = 'https://login.example.com/authorize?state=secret'
    expect(() => make().navigate(secret)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringMatching(
          /no page to send to https:\/\/login\.example\.com;/,
        ) as string,
      }),
    )
  })

  test('never wakes, and stopping is fine', () => {
    const stop = make().onWake(() => {
      throw new Error('woken')
    })
    expect(() => stop()).not.toThrow()
  })

  test('is always shown', async () => {
    await expect(make().whenShown()).resolves.toBeUndefined()
  })

  test('has no user', () => {
    expect(make().hasUserGesture()).toBe(false)
  })

  test('is secure where there is WebCrypto', () => {
    expect(make().isSecureContext()).toBe(true)
  })

  test('is not secure without WebCrypto', () => {
    vi.stubGlobal('crypto', undefined)
    expect(make().isSecureContext()).toBe(false)
  })
})
