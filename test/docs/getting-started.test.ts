// @vitest-environment happy-dom
import { expect, test, vi } from 'vitest'
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

test('a person who says no is told so, and can try again', async () => {
  const person = createPerson()
  person.open('https://app.example.com/', body)
  await load('main')
  await person.signIn(await person.leaveBy('Sign in'), { consent: false, body })
  await load('main')
  expect(shown('problem')).toContain('did not sign the person in')
  await person.signIn(await person.leaveBy('Sign in'), { body })
  await load('main')
  expect(shown('status')).toBe('Hello, Ada Lovelace!')
})

test('the log shows requests, and nothing secret', async () => {
  const person = createPerson()
  person.open('https://app.example.com/', body)
  await load('main')
  await person.signIn(await person.leaveBy('Sign in'), { body })
  const { printed } = await load('log', 'main')
  await vi.waitFor(() => expect(printed).toContain('token'))
  expect(printed).toContain('https://login.example.com/token')
  const secrets = person.server.requestsTo('/token').map(({ form }) => form!['code'])
  for (const secret of secrets) expect(printed.join()).not.toContain(secret)
})
