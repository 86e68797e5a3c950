// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { pageHost } from '../../src/host/page.ts'
import type { Host } from '../../src/host/host.ts'
import { pageHostContract } from '../contracts/host.ts'

const window = globalThis as unknown as {
  happyDOM: { setURL(url: string): void }
  history: History
}

beforeEach(() => {
  window.happyDOM.setURL('https://app.example.com/start?a=1#b')
})

afterEach(() => {
  vi.unstubAllGlobals()
  sessionStorage.clear()
  document.querySelector('base')?.remove()
  for (const name of ['prerendering', 'visibilityState']) {
    Reflect.deleteProperty(document, name)
  }
})

const define = (target: object, property: { name: string; value: unknown }) =>
  Object.defineProperty(target, property.name, { value: property.value, configurable: true })

const show = (event: string, persisted: boolean) =>
  globalThis.dispatchEvent(Object.assign(new Event(event), { persisted }))

/** As the browser itself sends it; a script's events are not trusted. */
const click = (type = 'pointerdown', isTrusted = true) => {
  const event = new Event(type, { bubbles: true })
  define(event, { name: 'isTrusted', value: isTrusted })
  document.body.dispatchEvent(event)
}

const setVisibility = (value: string) => {
  define(document, { name: 'visibilityState', value })
  document.dispatchEvent(new Event('visibilitychange'))
}

function hostUnderTest(host: Host) {
  const assign = vi.spyOn(location, 'assign').mockImplementation(() => undefined)
  return {
    host,
    wake: ({ restored }: { restored: boolean }) => void show('pageshow', restored),
    prerender: () => void define(document, { name: 'prerendering', value: true }),
    activate() {
      define(document, { name: 'prerendering', value: false })
      document.dispatchEvent(new Event('prerenderingchange'))
    },
    gesture(isActive: boolean) {
      vi.stubGlobal('navigator', { userActivation: { isActive } })
      if (isActive) click()
    },
    navigations: () => assign.mock.calls.map(([url]) => String(url)),
  }
}

pageHostContract('pageHost', () => hostUnderTest(pageHost()))

describe('pageHost', () => {
  test('resolves relative URLs against <base>', () => {
    const base = document.createElement('base')
    base.href = 'https://cdn.example.com/app/'
    document.head.append(base)
    expect(pageHost().baseUrl()).toBe('https://cdn.example.com/app/')
  })

  test('keeps history.state when it replaces the address', () => {
    history.replaceState({ router: 'key' }, '')
    pageHost().replaceUrl('https://app.example.com/clean')
    expect(history.state).toEqual({ router: 'key' })
  })

  test('adds no entry to the history when it replaces the address', () => {
    const before = history.length
    pageHost().replaceUrl('https://app.example.com/clean')
    expect(history.length).toBe(before)
  })

  test('leaves in the place of this page when told to replace it', () => {
    const assign = vi.spyOn(location, 'assign').mockImplementation(() => undefined)
    const replace = vi.spyOn(location, 'replace').mockImplementation(() => undefined)
    pageHost().navigate('https://login.example.com/', { replace: true })
    expect(replace).toHaveBeenCalledExactlyOnceWith('https://login.example.com/')
    expect(assign).not.toHaveBeenCalled()
  })

  test('wakes when the page becomes visible', () => {
    const listener = vi.fn()
    pageHost().onWake(listener)
    setVisibility('visible')
    expect(listener).toHaveBeenCalledExactlyOnceWith({ restored: false })
  })

  test('does not wake when the page is hidden', () => {
    const listener = vi.fn()
    pageHost().onWake(listener)
    setVisibility('hidden')
    expect(listener).not.toHaveBeenCalled()
  })

  test('wakes when the network returns', () => {
    const listener = vi.fn()
    pageHost().onWake(listener)
    globalThis.dispatchEvent(new Event('online'))
    expect(listener).toHaveBeenCalledExactlyOnceWith({ restored: false })
  })

  test('lets go of every event when stopped', () => {
    const listener = vi.fn()
    pageHost().onWake(listener)()
    setVisibility('visible')
    show('pageshow', true)
    globalThis.dispatchEvent(new Event('online'))
    expect(listener).not.toHaveBeenCalled()
  })

  test('knows of no gesture where the platform does not tell', () => {
    vi.stubGlobal('navigator', {})
    expect(pageHost().hasUserGesture()).toBe(false)
  })

  test.each(['pointerdown', 'keydown'])('%s is a gesture (F9)', (type) => {
    const listener = vi.fn()
    const stop = pageHost().onGesture(listener)
    click(type)
    expect(listener).toHaveBeenCalledOnce()
    stop()
    click(type)
    expect(listener).toHaveBeenCalledOnce()
  })

  test('what a script clicks is no gesture (F9)', () => {
    const listener = vi.fn()
    const stop = pageHost().onGesture(listener)
    click('pointerdown', false)
    expect(listener).not.toHaveBeenCalled()
    stop()
  })

  test('is not visible while the page is hidden (F8)', () => {
    setVisibility('hidden')
    expect(pageHost().isVisible()).toBe(false)
  })

  test.each([
    ['is missing', undefined],
    [
      'throws',
      {
        getItem: () => {
          throw new DOMException('blocked', 'SecurityError')
        },
        setItem: () => {
          throw new DOMException('blocked', 'SecurityError')
        },
      },
    ],
  ])('keeps nothing for the tab where sessionStorage %s (F7)', (_, storage) => {
    vi.stubGlobal('sessionStorage', storage)
    const host = pageHost()
    host.setTabItem('key', 'value')
    expect(host.getTabItem('key')).toBeUndefined()
  })

  test('is not secure where the platform says so', () => {
    vi.stubGlobal('isSecureContext', false)
    expect(pageHost().isSecureContext()).toBe(false)
  })

  test.each([
    ['crypto is missing', undefined],
    ['crypto.subtle is missing', {}],
  ])('is not secure where %s', (_, crypto) => {
    vi.stubGlobal('crypto', crypto)
    expect(pageHost().isSecureContext()).toBe(false)
  })

  test('is no page where there is no document', () => {
    const host = pageHost()
    vi.stubGlobal('document', undefined)
    expect(host.url()).toBeUndefined()
  })
})

describe('what the console gets', () => {
  test('a mistake of the app is reported as the platform reports one that nobody caught (E10)', () => {
    const reportError = vi.fn()
    vi.stubGlobal('reportError', reportError)
    const mistake = new Error('a mistake of the app')
    pageHost().reportError(mistake)
    expect(reportError).toHaveBeenCalledWith(mistake)
  })

  test('where the platform cannot report, it is written to the console (E10)', () => {
    vi.stubGlobal('reportError', undefined)
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const mistake = new Error('a mistake of the app')
    pageHost().reportError(mistake)
    expect(error).toHaveBeenCalledWith(mistake)
  })

  test('a warning is written to the console (N2)', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    pageHost().warn('look here')
    expect(warn).toHaveBeenCalledWith('look here')
  })
})
