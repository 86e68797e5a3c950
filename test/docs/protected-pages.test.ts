// @vitest-environment happy-dom
import * as react from 'react'
import * as reactDomClient from 'react-dom/client'
import * as jsxRuntime from 'react/jsx-runtime'
import * as reactRouter from 'react-router'
import { describe, expect, test, vi } from 'vitest'
import type { PkceClient } from 'pkce-client'
import { loadApp } from './app.ts'
import { createPerson } from './browser.ts'

const modules = {
  react,
  'react/jsx-runtime': jsxRuntime,
  'react-dom/client': reactDomClient,
  'react-router': reactRouter,
}
const page = (block: string) => loadApp('docs/protected-pages.md', modules).run(block)
const text = () => document.body.textContent

describe('React Router', () => {
  test('a person signs in and out, in StrictMode, and the code is spent once', async () => {
    const person = createPerson()
    person.open('https://app.example.com/')
    await page('react-router')
    await person.signIn(await person.leaveBy('Sign in'))
    await page('react-router')
    await vi.waitFor(() => expect(text()).toBe('Sign out'))
    expect(person.url()).toBe('https://app.example.com/')
    expect(person.server.requestsTo('/token')).toHaveLength(1)
    const end = await person.leaveBy('Sign out')
    expect(end.pathname).toBe('/end_session')
    expect(text()).toBe('Sign in')
  })

  test('the person comes back to the page they wanted', async () => {
    const person = createPerson()
    person.open('https://app.example.com/orders')
    const auth = (await page('auth')).auth as PkceClient
    void auth.signIn({ returnTo: location.href })
    await person.signIn(await person.leave())
    await page('react-router')
    await vi.waitFor(() => expect(text()).toContain('Your orders'))
  })

  test('a person who says no is back where they were, and the error is reported', async () => {
    const person = createPerson()
    person.open('https://app.example.com/?page=2')
    await page('react-router')
    await person.signIn(await person.leaveBy('Sign in'), { consent: false })
    await page('react-router')
    await vi.waitFor(() => expect(text()).toBe('Sign in'))
    expect(person.url()).toBe('https://app.example.com/?page=2')
    expect(reportError).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ code: 'authorization_denied' }),
    )
  })

  test('an answer that nobody asked for leads to the app, not to an error page', async () => {
    const person = createPerson()
    person.open('https://app.example.com/callback?error=access_denied')
    await page('react-router')
    await vi.waitFor(() => expect(text()).toBe('Sign in'))
  })
})
