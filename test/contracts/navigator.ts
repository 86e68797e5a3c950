import { describe, expect, test } from 'vitest'
import type { Navigator } from '../../src/navigation/navigator.ts'
import { createFakeBrowser } from '../../src/testing/fakes/browser.ts'

/** What every navigator does that leaves the page. */
export function leavingNavigatorContract(name: string, make: () => Navigator) {
  const target = new URL('https://login.example.com/authorize?client_id=a%20b')
  const state = 'tag.state'
  const open = () => {
    const tab = createFakeBrowser().openTab('/start')
    const { host, clock } = tab.ports
    return { tab, host, navigation: make().open(host, clock) }
  }

  describe(`${name} keeps the contract of a navigator that leaves the page`, () => {
    test('says that it leaves the page', () => {
      expect(open().navigation.leavesPage).toBe(true)
    })

    test('does nothing but get ready when opened', () => {
      const { tab } = open()
      expect(tab.navigations).toEqual([])
    })

    test('sends the person to the URL', () => {
      const { tab, navigation } = open()
      void navigation.go({ url: target, state })
      expect(tab.navigations).toEqual([target.href])
    })

    test('never resolves', async () => {
      const { tab, navigation } = open()
      let settled = false
      navigation.go({ url: target, state }).then(
        () => (settled = true),
        () => (settled = true),
      )
      tab.wake()
      await new Promise((resolve) => setImmediate(resolve))
      expect(settled).toBe(false)
    })

    test('rejects when the person comes back through the back/forward cache', async () => {
      const { tab, navigation } = open()
      const going = navigation.go({ url: target, state })
      tab.restoreFromBackForwardCache()
      await expect(going).rejects.toMatchObject({ code: 'sign_in_cancelled' })
    })

    test('rejects with the reason of the signal', async () => {
      const { navigation } = open()
      const controller = new AbortController()
      const going = navigation.go({ url: target, state, signal: controller.signal })
      const reason = new Error('changed my mind')
      controller.abort(reason)
      await expect(going).rejects.toBe(reason)
    })

    test('stays when the signal was aborted before', async () => {
      const { tab, navigation } = open()
      const reason = new Error('changed my mind')
      await expect(
        navigation.go({ url: target, state, signal: AbortSignal.abort(reason) }),
      ).rejects.toBe(reason)
      expect(tab.navigations).toEqual([])
    })

    test('can be closed before going, and twice', () => {
      const { navigation } = open()
      navigation.close()
      expect(() => navigation.close()).not.toThrow()
    })
  })
}
