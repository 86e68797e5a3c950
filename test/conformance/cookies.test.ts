// @vitest-environment happy-dom
import { expect, test, vi } from 'vitest'
import { PkceClient, memoryStore } from '../../src/index.ts'
import type { Store } from '../../src/index.ts'
import { createPerson } from '../docs/browser.ts'

/** Somebody comes back signed in to an app in the page, which has one request made with the token and renews it. */
async function stay(own: { store?: () => Store } = {}) {
  const person = createPerson()
  const client = () =>
    new PkceClient({
      issuer: person.server.issuer,
      clientId: 'my-app',
      redirectUri: 'https://app.example.com/callback',
      scope: 'openid offline_access',
      resources: [person.server.api.url],
      ...(own.store && { store: own.store() }),
    })
  person.open('https://app.example.com/')
  void client().signIn()
  await person.signIn(await person.leave())
  const auth = client()
  expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
  expect((await auth.fetch(`${person.server.api.url}users/me`)).status).toBe(200)
  await auth.refresh()
  return { person, auth }
}

test('no cookie is written on the whole way from signing in to signing out (C-88)', async () => {
  const written = vi.spyOn(document, 'cookie', 'set')
  const { auth } = await stay()
  await auth.signOut({ redirect: false })
  expect(written).not.toHaveBeenCalled()
  document.cookie = 'it=watches'
  expect(written).toHaveBeenCalledOnce()
})

test('with memoryStore() in a page, no token is in any storage of it (C-116, A-78)', async () => {
  const everything = () => JSON.stringify([localStorage, sessionStorage, document.cookie])
  const usual = await stay()
  expect(everything()).toContain(await usual.auth.getAccessToken())
  localStorage.clear()

  const { person, auth } = await stay({ store: memoryStore })
  const spent = person.server.requestsTo('/token').map(({ form }) => form!.refresh_token)
  const tokens = [await auth.getAccessToken(), ...spent.filter((token) => token !== undefined)]
  expect(tokens).toHaveLength(2)
  for (const token of tokens) expect(everything()).not.toContain(token)
  expect(everything()).not.toMatch(/refreshToken|idToken/)
})
