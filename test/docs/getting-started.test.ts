// @vitest-environment happy-dom
import { readFileSync } from 'node:fs'
import { memoryStore, PkceClient } from 'pkce-client'
import * as testing from 'pkce-client/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { loadApp } from './app.ts'
import { createPerson } from './browser.ts'

const body =
  '<p id="status"></p><p id="problem"></p><button></button><p id="orders"></p><div id="root"></div>'
const load = async (...blocks: string[]) => {
  const app = loadApp('docs/getting-started.md')
  for (const block of blocks) await app.run(block)
  return app
}
const shown = (id: string) => document.getElementById(id)!.textContent

test('a person signs in, sees their name and orders, and signs out', async () => {
  const person = createPerson()
  person.open('https://app.example.com/?tab=2', body)
  await load('main')
  expect(shown('status')).toBe('You are not signed in.')
  await person.signIn(await person.leaveBy('Sign in'), { body })
  await load('main')
  expect(person.url()).toBe('https://app.example.com/?tab=2')
  expect([shown('status'), shown('orders')]).toEqual([
    'Hello, Ada Lovelace!',
    'A difference engine',
  ])
  const end = await person.leaveBy('Sign out')
  expect(end.searchParams.get('post_logout_redirect_uri')).toBe('https://app.example.com/')
  expect(shown('status')).toBe('You are not signed in.')
})

test('without a server at hand, a person signs in to the app at the one of the package', async () => {
  let server: testing.AuthServer | undefined
  const createAuthServer: typeof testing.createAuthServer = (options) => {
    server = testing.createAuthServer(options)
    // The ports that the document writes down may be taken here.
    const listen: testing.AuthServer['listen'] = async () => {
      const door = await server!.listen()
      onTestFinished(door.close)
      return door
    }
    return Object.create(server, { listen: { value: listen } }) as testing.AuthServer
  }
  const app = loadApp('docs/getting-started.md', {
    'pkce-client/testing': { ...testing, createAuthServer },
  })
  await app.run('dev-server')
  const { issuer, api } = server!
  expect(app.printed.join()).toContain(`issuer ${issuer}, API ${api.url}`)
  const auth = new PkceClient({
    issuer,
    clientId: 'my-app',
    redirectUri: 'http://localhost:5173/callback',
    postSignOutRedirectUri: 'http://localhost:5173/',
    scope: 'openid profile offline_access orders:read',
    resources: [api.url],
    store: memoryStore(),
    fetch: server!.fetch,
  })
  await server!.signInTo(auth, 'ada')
  expect(auth.getSession()).toMatchObject({ claims: { name: 'Ada Lovelace' } })
  expect((await auth.fetch(`${api.url}orders`)).status).toBe(200)
})

test('a person who says no is told so where they were, and can try again', async () => {
  const person = createPerson()
  person.open('https://app.example.com/?tab=2', body)
  await load('main')
  await person.signIn(await person.leaveBy('Sign in'), { consent: false, body })
  const { printed } = await load('main')
  expect(shown('problem')).toBe('The sign-in was not completed.')
  expect(person.url()).toBe('https://app.example.com/?tab=2')
  expect(printed).toContain('authorization_denied')
  await person.signIn(await person.leaveBy('Sign in'), { body })
  await load('main')
  expect(shown('status')).toBe('Hello, Ada Lovelace!')
})

test('a person who comes back from the sign-in page by the back button is told nothing, and can try again', async () => {
  const person = createPerson()
  person.open('https://app.example.com/', body)
  const { printed } = await load('main')
  await person.leaveBy('Sign in')
  window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
  const again = await person.leaveBy('Sign in')
  expect([shown('problem'), ...printed]).toEqual([''])
  await person.signIn(again, { body })
  await load('main')
  expect(shown('status')).toBe('Hello, Ada Lovelace!')
})

test('the log shows requests, and nothing secret', async () => {
  const person = createPerson()
  person.open('https://app.example.com/', body)
  await load('main')
  await person.signIn(await person.leaveBy('Sign in'), { body })
  const { printed } = await load('log', 'main')
  const text = () => JSON.stringify(printed)
  await vi.waitFor(() => expect(text()).toContain('"what":"token"'))
  expect(text()).toContain('https://login.example.com/token')
  const secrets = person.server.requestsTo('/token').map(({ form }) => form!['code'])
  for (const secret of secrets) expect(text()).not.toContain(secret)
})

test('the guide says that offline_access may take prompt: consent (C-15)', () => {
  const [row] = /^.*offline_access.*signIn.*$/m.exec(
    readFileSync('docs/getting-started.md', 'utf8'),
  )!
  expect(row).toContain("signIn({ prompt: 'consent' })")
})
