import { describe, expect, test, vi } from 'vitest'
import { pageHost } from '../../src/host/page.ts'

describe('pageHost without a page', () => {
  test('has no address', () => {
    expect(pageHost().url()).toBeUndefined()
  })

  test('has nothing to resolve relative URLs against', () => {
    expect(pageHost().baseUrl()).toBeUndefined()
  })

  test('resolves relative URLs against the script of a worker', () => {
    vi.stubGlobal('location', { href: 'https://app.example.com/worker.js' })
    expect(pageHost().baseUrl()).toBe('https://app.example.com/worker.js')
  })

  test('a worker shows no address', () => {
    vi.stubGlobal('location', { href: 'https://app.example.com/worker.js' })
    expect(pageHost().url()).toBeUndefined()
  })

  test('takes a new address and does nothing', () => {
    expect(() => pageHost().replaceUrl('https://app.example.com/')).not.toThrow()
  })

  test('refuses to navigate, and says what to do instead', () => {
    const secret = 'https://login.example.com/authorize?state=secret'
    expect(() => pageHost().navigate(secret)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringMatching(/no page to leave;/) as string,
      }),
    )
  })

  test('never wakes, and stopping is fine', () => {
    const stop = pageHost().onWake(() => {
      throw new Error('woken')
    })
    expect(() => stop()).not.toThrow()
  })

  test('is always shown', async () => {
    await expect(pageHost().whenShown()).resolves.toBeUndefined()
  })

  test('has no user', () => {
    expect(pageHost().hasUserGesture()).toBe(false)
  })

  test('hears of no click, shows nothing, and keeps nothing (F7 to F9)', () => {
    const host = pageHost()
    expect(() => host.onGesture(() => undefined)()).not.toThrow()
    expect(host.isVisible()).toBe(false)
    host.setTabItem('key', 'value')
    expect(host.getTabItem('key')).toBeUndefined()
  })

  test('is secure where there is WebCrypto', () => {
    expect(pageHost().isSecureContext()).toBe(true)
  })

  test('is not secure without WebCrypto', () => {
    vi.stubGlobal('crypto', undefined)
    expect(pageHost().isSecureContext()).toBe(false)
  })
})
