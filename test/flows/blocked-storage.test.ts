// @vitest-environment happy-dom
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { PkceClient } from '../../src/index.ts'
import { createAuthServer } from '../../src/testing/index.ts'
import { factsOf, usersMe } from '../support/refreshes.ts'
import { appOrigin, callbackUri, listen, rejection } from '../support/world.ts'

// A page as it comes, with none of the ports replaced.

const { happyDOM } = window as unknown as { happyDOM: { setURL(url: string): void } }

beforeEach(() => {
  happyDOM.setURL(`${appOrigin}/`)
  localStorage.clear()
})

function openPage() {
  const server = createAuthServer()
  const leave = vi.spyOn(location, 'assign').mockImplementation(() => {})
  const auth = new PkceClient({
    issuer: server.issuer,
    clientId: 'production-app',
    redirectUri: callbackUri,
    scope: 'openid offline_access',
    resources: [server.api.url],
    fetch: server.fetch,
  })
  return { server, auth, leave, heard: listen(auth) }
}

function block(name: 'localStorage' | 'sessionStorage') {
  vi.stubGlobal(name, undefined)
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get() {
      throw new DOMException('Access is denied for this document.', 'SecurityError')
    },
  })
}

const absences: [string, () => void][] = [
  ['throws when it is read', () => block('localStorage')],
  [
    'throws when it is read, and sessionStorage too',
    () => {
      block('localStorage')
      block('sessionStorage')
    },
  ],
  ['is null', () => vi.stubGlobal('localStorage', null)],
  ['is missing', () => vi.stubGlobal('localStorage', undefined)],
]

describe.each(absences)('a page whose localStorage %s (A-76)', (_, remove) => {
  test('is signed out after start(), and nobody is sent away to be forgotten', async () => {
    remove()
    const { auth, leave } = openPage()
    expect(await auth.start()).toEqual({ kind: 'restored', session: { status: 'signed-out' } })
    expect(await rejection(auth.signIn())).toMatchObject({ code: 'storage_unavailable' })
    expect(leave).not.toHaveBeenCalled()
    auth.close()
  })

  test('says at the start that nothing can be saved, once (F11)', async () => {
    remove()
    const { server, auth, heard } = openPage()
    await auth.start()
    expect(factsOf(heard, 'storage-failed')).toMatchObject([
      { error: { code: 'storage_unavailable', cause: { message: expect.any(String) } } },
    ])
    await server.signInTo(auth)
    await auth.refresh()
    expect(factsOf(heard, 'storage-failed')).toHaveLength(1)
    auth.close()
  })

  test('can sign in without leaving, and the session lives in its memory', async () => {
    remove()
    const { server, auth } = openPage()
    await server.signInTo(auth)
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    expect((await auth.fetch(usersMe)).status).toBe(200)
    await auth.refresh()
    await auth.signOut({ redirect: false })
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    auth.close()
  })
})

describe('a page whose localStorage is full (A-76)', () => {
  /** A localStorage that holds so many characters; `fill` leaves no room for more than there is. */
  function limited(room: number) {
    const values = new Map<string, string>()
    const used = () => [...values].join('').length
    vi.stubGlobal('localStorage', {
      get length() {
        return values.size
      },
      key: (index: number) => [...values.keys()].at(index) ?? null,
      getItem: (key: string) => values.get(key) ?? null,
      removeItem: (key: string) => void values.delete(key),
      setItem(key: string, value: string) {
        if (used() - (values.get(key)?.length ?? 0) + value.length > room)
          throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
        values.set(key, value)
      },
    })
    return { fill: () => (room = used()), empty: () => (room = Infinity) }
  }

  test('sends nobody away to be forgotten', async () => {
    limited(100)
    const { auth, leave } = openPage()
    expect(await auth.start()).toMatchObject({ session: { status: 'signed-out' } })
    expect(await rejection(auth.signIn())).toMatchObject({
      code: 'storage_unavailable',
      cause: { name: 'QuotaExceededError' },
    })
    expect(leave).not.toHaveBeenCalled()
    auth.close()
  })

  test('that fills up during the sign-in keeps the session in memory, and says so', async () => {
    const storage = limited(Infinity)
    const { server, auth, heard } = openPage()
    const { url } = await auth.createAuthorizationUrl()
    const callback = await server.authorize(url)
    storage.fill()
    await auth.handleCallback(callback)
    expect((await auth.fetch(usersMe)).status).toBe(200)
    expect(factsOf(heard, 'storage-failed')).toMatchObject([
      { error: { code: 'storage_unavailable', cause: { name: 'QuotaExceededError' } } },
    ])
    storage.empty()
    await auth.refresh()
    const next = openPage()
    expect((await next.auth.start()).session).toEqual(auth.getSession())
    auth.close()
    next.auth.close()
  })
})
