import { describe, expect, test } from 'vitest'
import type { Host } from '../../src/host/host.ts'

export interface HostUnderTest {
  host: Host
  /** Tells the page that it was shown again. */
  wake: (facts: { restored: boolean }) => void
  /** Begins and ends prerendering. */
  prerender: () => void
  activate: () => void
  gesture: (isActive: boolean) => void
  /** Where the page was sent. */
  navigations: () => readonly string[]
}

/** What the host of every page does; the page is at `https://app.example.com/start?a=1#b`. */
export function pageHostContract(name: string, make: () => HostUnderTest) {
  describe(`${name} keeps the contract of a host`, () => {
    test('knows the address shown', () => {
      expect(make().host.url()).toBe('https://app.example.com/start?a=1#b')
    })

    test('resolves relative URLs against the page', () => {
      const { host } = make()
      expect(new URL('/api', host.baseUrl()).href).toBe('https://app.example.com/api')
    })

    test('replaces the address shown without leaving', () => {
      const { host, navigations } = make()
      host.replaceUrl('https://app.example.com/start')
      expect(host.url()).toBe('https://app.example.com/start')
      expect(navigations()).toEqual([])
    })

    test('an address that the platform refuses to show is not shown, and nothing throws', () => {
      const { host } = make()
      const before = host.url()
      host.replaceUrl('https://evil.example/')
      expect(host.url()).toBe(before)
    })

    test('leaves for a URL', () => {
      const { host, navigations } = make()
      host.navigate('https://login.example.com/authorize?x=1')
      expect(navigations()).toEqual(['https://login.example.com/authorize?x=1'])
    })

    test('tells that the page was shown again', () => {
      const { host, wake } = make()
      const wakes: { restored: boolean }[] = []
      host.onWake((woken) => wakes.push({ restored: woken.restored }))
      wake({ restored: false })
      expect(wakes).toEqual([{ restored: false }])
    })

    test('tells that the page came back from the back/forward cache', () => {
      const { host, wake } = make()
      const wakes: { restored: boolean }[] = []
      host.onWake((woken) => wakes.push({ restored: woken.restored }))
      wake({ restored: true })
      expect(wakes).toContainEqual({ restored: true })
    })

    test('tells every listener, and each until it stops', () => {
      const { host, wake } = make()
      const wakes: string[] = []
      const stop = host.onWake(() => wakes.push('first'))
      host.onWake(() => wakes.push('second'))
      stop()
      wake({ restored: false })
      expect(wakes).toEqual(['second'])
    })

    test('takes a listener that stops itself when called', () => {
      const { host, wake } = make()
      const wakes: string[] = []
      const stop = host.onWake(() => {
        wakes.push('first')
        stop()
      })
      host.onWake(() => wakes.push('second'))
      wake({ restored: false })
      wake({ restored: false })
      expect(wakes).toEqual(['first', 'second', 'second'])
    })

    test('counts one listener registered twice as two', () => {
      const { host, wake } = make()
      let calls = 0
      const listener = () => void (calls += 1)
      const stop = host.onWake(listener)
      host.onWake(listener)
      stop()
      wake({ restored: false })
      expect(calls).toBe(1)
    })

    test('is shown at once when not prerendered', async () => {
      await expect(make().host.whenShown()).resolves.toBeUndefined()
    })

    test('a prerendered page is not shown before it is activated (A-81)', async () => {
      const { host, prerender, activate } = make()
      prerender()
      let shown = false
      const showing = host.whenShown().then(() => (shown = true))
      await new Promise((resolve) => setImmediate(resolve))
      expect(shown).toBe(false)
      activate()
      await showing
      expect(shown).toBe(true)
    })

    test('knows whether the person has just clicked', () => {
      const { host, gesture } = make()
      gesture(true)
      expect(host.hasUserGesture()).toBe(true)
      gesture(false)
      expect(host.hasUserGesture()).toBe(false)
    })

    test('calls back at each click, and stops when told to (F9)', () => {
      const { host, gesture } = make()
      const heard: string[] = []
      const stop = host.onGesture(() => heard.push('first'))
      host.onGesture(() => heard.push('second'))
      gesture(true)
      stop()
      gesture(false)
      gesture(true)
      expect(heard).toEqual(['first', 'second', 'second'])
    })

    test('keeps strings for the tab (F7)', () => {
      const { host } = make()
      expect(host.getTabItem('key')).toBeUndefined()
      host.setTabItem('key', 'one')
      host.setTabItem('key', 'two')
      expect(host.getTabItem('key')).toBe('two')
      expect(host.getTabItem('another key')).toBeUndefined()
    })

    test('knows that the page is visible (F8)', () => {
      expect(make().host.isVisible()).toBe(true)
    })

    test('is a secure context', () => {
      expect(make().host.isSecureContext()).toBe(true)
    })
  })
}
