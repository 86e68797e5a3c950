// @vitest-environment happy-dom
import * as react from 'react'
import * as reactDomClient from 'react-dom/client'
import * as jsxRuntime from 'react/jsx-runtime'
import { expect, test, vi } from 'vitest'
import type { PkceClient } from 'pkce-client'
import { loadApp } from './app.ts'
import { createPerson } from './browser.ts'
import { readDocument } from './markdown.ts'

const modules = {
  react,
  'react/jsx-runtime': jsxRuntime,
  'react-dom/client': reactDomClient,
}
const page = (block: string) => loadApp('README.md', modules).run(block)
const button = '<button id="sign-in">Sign in</button>'
const contents = (storage: Storage) => JSON.stringify(Object.entries(storage))
const text = () => document.body.textContent

test('the quick start signs a person in, brings them back where they were, and greets them', async () => {
  const person = createPerson()
  person.open('https://app.example.com/orders?page=2', button)
  await page('main')
  await person.signIn(await person.leaveBy('Sign in'), { body: button })
  await page('main')
  expect(person.url()).toBe('https://app.example.com/orders?page=2')
  expect(text()).toContain('Hello, Ada Lovelace!')
})

test('the quick start shows nobody to somebody who is not signed in, and asks the server for nothing', async () => {
  const person = createPerson()
  person.open('https://app.example.com/', button)
  await page('main')
  expect(text()).toBe('Sign in')
  expect(person.server.requests).toEqual([])
})

test('the React app signs a person in and out, in StrictMode, and spends the code once', async () => {
  const person = createPerson()
  person.open('https://app.example.com/')
  await page('react')
  await person.signIn(await person.leaveBy('Sign in'))
  await page('react')
  await vi.waitFor(() => expect(text()).toBe('Hello Ada Lovelace Sign out'))
  expect(person.url()).toBe('https://app.example.com/')
  expect(person.server.requestsTo('/token')).toHaveLength(1)
  const end = await person.leaveBy('Sign out')
  expect(end.pathname).toBe('/end_session')
  expect(text()).toBe('Sign in')
})

test('after the quick start signed a person out, they are back at the app', async () => {
  const auth = (await page('auth')).auth as PkceClient
  const person = createPerson()
  await person.server.signInTo(auth)
  void auth.signOut()
  const end = await person.leave()
  expect(end.searchParams.get('post_logout_redirect_uri')).toBe('https://app.example.com/')
})

test('a person who says no to the quick start can try again', async () => {
  const person = createPerson()
  person.open('https://app.example.com/', button)
  await page('main')
  await person.signIn(await person.leaveBy('Sign in'), { consent: false, body: button })
  await expect(page('main')).rejects.toThrow('did not sign the user in')
  await person.signIn(await person.leaveBy('Sign in'), { body: button })
  await page('main')
  expect(text()).toContain('Hello, Ada Lovelace!')
})

test('a person who says no sees the React app where they were, and the error is reported', async () => {
  const person = createPerson()
  person.open('https://app.example.com/orders?page=2')
  const auth = (await page('auth')).auth as PkceClient
  void auth.signIn({ returnTo: location.href })
  await person.signIn(await person.leave(), { consent: false })
  await page('react')
  await vi.waitFor(() => expect(text()).toBe('Sign in'))
  expect(person.url()).toBe('https://app.example.com/orders?page=2')
  expect(reportError).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ code: 'authorization_denied' }),
  )
})

test.each(['examples/vanilla/main.ts', 'examples/react/src/app.tsx', 'docs/protected-pages.md'])(
  'it leads to %s (N12)',
  (file) => expect(readDocument('README.md')).toContain(`](${file})`),
)

test.each(['login', 'logout', 'user', 'protected route', 'refresh'])(
  'who looks for the word %s finds where to go (N12)',
  (word) => {
    const [, table] = readDocument('README.md').split('| looking for | go to |')
    const row = table!
      .split('\n## ')[0]!
      .split('\n')
      .find((line) => line.includes(word))
    expect(row).toMatch(/\]\([\w/.#-]+\)/)
  },
)

test('the stricter stores write no token where another tab could read it', async () => {
  const person = createPerson()
  person.open('https://app.example.com/')
  const clients = await page('stores')
  for (const name of ['inMemory', 'perTab']) {
    const auth = clients[name] as PkceClient
    await person.server.signInTo(auth)
    const token = await auth.getAccessToken()
    expect(contents(localStorage)).not.toContain(token)
    expect(contents(sessionStorage).includes(token)).toBe(name === 'perTab')
  }
})
