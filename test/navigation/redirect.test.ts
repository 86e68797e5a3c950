import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import type { Host } from '../../src/host/host.ts'
import { systemClock } from '../../src/clock.ts'
import { pageHost } from '../../src/host/page.ts'
import { redirect } from '../../src/navigation/redirect.ts'
import { leavingNavigatorContract } from '../contracts/navigator.ts'

leavingNavigatorContract('redirect', redirect)

const clock = systemClock()
const target = new URL('https://login.example.com/authorize')
const request = { url: target, state: 'tag.state' }

/** A host that counts who listens. */
function listeningHost() {
  const listeners = new Set<Parameters<Host['onWake']>[0]>()
  const navigate = vi.fn<Host['navigate']>()
  const host: Host = {
    ...pageHost(),
    navigate,
    onWake(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return {
    host,
    navigate,
    listeners,
    wake: (restored: boolean) => [...listeners].forEach((listener) => listener({ restored })),
  }
}

describe('redirect', () => {
  test('is a redirect', () => {
    expect(redirect().open(pageHost(), clock).mode).toBe('redirect')
  })

  test('leaves the page in the history', () => {
    const { host, navigate } = listeningHost()
    void redirect().open(host, clock).go(request)
    expect(navigate.mock.calls[0]?.[1]?.replace ?? false).toBe(false)
  })

  test('takes the place of the page in the history when told to', () => {
    const { host, navigate } = listeningHost()
    void redirect({ replace: true }).open(host, clock).go(request)
    expect(navigate).toHaveBeenCalledExactlyOnceWith(target.href, { replace: true })
  })

  test('rejects with the error of a host that cannot navigate', async () => {
    await expect(redirect().open(pageHost(), clock).go(request)).rejects.toMatchObject({
      code: 'invalid_option',
    })
  })

  test('listens to nothing when the host cannot navigate', async () => {
    const { host, navigate, listeners } = listeningHost()
    navigate.mockImplementation(() => {
      throw new Error('blocked')
    })
    await expect(redirect().open(host, clock).go(request)).rejects.toThrow('blocked')
    expect(listeners.size).toBe(0)
  })

  test('listens to nothing before it goes', () => {
    const { host, listeners } = listeningHost()
    redirect().open(host, clock)
    expect(listeners.size).toBe(0)
  })

  test('listens to nothing after it was closed', () => {
    const { host, listeners } = listeningHost()
    const navigation = redirect().open(host, clock)
    void navigation.go(request)
    navigation.close()
    expect(listeners.size).toBe(0)
  })

  test('lets go of the signal after it was closed', async () => {
    const { host, wake } = listeningHost()
    const { signal } = new AbortController()
    const navigation = redirect().open(host, clock)
    const going = navigation.go({ ...request, signal: signal })
    wake(true)
    await expect(going).rejects.toThrow()
    navigation.close()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
