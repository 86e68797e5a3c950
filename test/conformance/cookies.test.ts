// @vitest-environment happy-dom
import { expect, test, vi } from 'vitest'
import { PkceClient } from '../../src/index.ts'
import { createPerson } from '../docs/browser.ts'

test('C-88: no cookie is written on the whole way from signing in to signing out', async () => {
  const person = createPerson()
  const written = vi.spyOn(document, 'cookie', 'set')
  const client = () =>
    new PkceClient({
      issuer: person.server.issuer,
      clientId: 'my-app',
      redirectUri: 'https://app.example.com/callback',
      scope: 'openid offline_access',
      resources: [person.server.api.url],
    })
  person.open('https://app.example.com/')
  void client().signIn()
  await person.signIn(await person.leave())
  const auth = client()
  expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
  expect((await auth.fetch(`${person.server.api.url}users/me`)).status).toBe(200)
  await auth.refresh()
  await auth.signOut({ redirect: false })
  expect(written).not.toHaveBeenCalled()
  document.cookie = 'it=watches'
  expect(written).toHaveBeenCalledOnce()
})
