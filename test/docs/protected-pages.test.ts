// @vitest-environment happy-dom
import * as tanstackRouter from '@tanstack/react-router'
import * as react from 'react'
import * as reactDomClient from 'react-dom/client'
import * as jsxRuntime from 'react/jsx-runtime'
import * as reactRouter from 'react-router'
import type { CallbackError, PkceClient } from 'pkce-client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import * as vue from 'vue'
import * as vueRouter from 'vue-router'
import { loadApp } from './app.ts'
import type { App } from './app.ts'
import { createPerson } from './browser.ts'

const modules = {
  react,
  'react/jsx-runtime': jsxRuntime,
  'react-dom/client': reactDomClient,
  'react-router': reactRouter,
  '@tanstack/react-router': tanstackRouter,
  vue,
  'vue-router': vueRouter,
}

let unmount = () => {}

/** A page load: what was on the page before is gone. */
function load(): App {
  unmount()
  unmount = () => {}
  const app = loadApp('docs/protected-pages.md', modules)
  // A page that was left no longer hears what happens in the window, which here is the same for all pages.
  onTestFinished(async () => ((await app.run('auth')) as { auth: PkceClient }).auth.close())
  return app
}

const text = () => document.body.textContent

/** What the guide says to do before a router starts: the page the user wants, or the error in place of the app. */
async function started(app: App): Promise<boolean> {
  const { auth } = (await app.run('auth')) as { auth: PkceClient }
  try {
    const { returnTo } = await auth.start()
    if (returnTo) history.replaceState(null, '', returnTo)
    return true
  } catch (error) {
    history.replaceState(null, '', (error as CallbackError).returnTo ?? '/')
    document.body.innerHTML = '<button>Sign in</button>'
    document.querySelector('button')!.onclick = () => auth.signIn({ returnTo: location.href })
    return false
  }
}

/** One page load of each app, and the way to go to its protected page from another one. */
const apps = {
  'React Router': {
    async open() {
      await load().run('react-router')
      const goToOrders = () =>
        vi.waitUntil(() => document.querySelector('a')).then((link) => link.click())
      return { goToOrders }
    },
  },
  'TanStack Router': {
    async open() {
      const app = load()
      if (!(await started(app))) return undefined
      const { router } = (await app.run('tanstack-router')) as { router: tanstackRouter.AnyRouter }
      const root = reactDomClient.createRoot(document.getElementById('root')!)
      root.render(react.createElement(tanstackRouter.RouterProvider, { router }))
      unmount = () => root.unmount()
      return { goToOrders: () => router.navigate({ to: '/orders' }) }
    },
  },
  'Vue Router': {
    async open() {
      const app = load()
      if (!(await started(app))) return undefined
      const { auth } = (await app.run('auth')) as { auth: PkceClient }
      const { router, failedAt } = (await app.run('vue-router')) as {
        router: vueRouter.Router
        failedAt: vue.Ref<string | undefined>
      }
      const signIn = () => auth.signIn({ returnTo: failedAt.value! })
      const render = () =>
        failedAt.value
          ? vue.h('button', { onClick: signIn }, 'Sign in')
          : vue.h(vueRouter.RouterView)
      const page = vue.createApp({ render }).use(router)
      page.mount('#root')
      unmount = () => page.unmount()
      return { goToOrders: () => router.push('/orders') }
    },
  },
  'no router': {
    body: '<p id="text"></p><button id="sign-in" hidden>Sign in</button>',
    async open() {
      await load().run('plain')
      return undefined
    },
  },
}

const orders = /^(?:Orders of Ada Lovelace|Your orders)/
const shows = (what: RegExp) => vi.waitFor(() => expect(text()).toMatch(what), 10_000)

// The window tells all pages that were ever loaded in it that they are shown again, so these come first.
describe.each(Object.entries(apps))('with %s', (_, app) => {
  const options = 'body' in app ? { body: app.body } : {}

  test('who comes back by the back button sees a button, and is not sent away again (N6)', async () => {
    const person = createPerson()
    person.open('https://app.example.com/orders', options.body)
    void app.open()
    await person.leave()
    // Vue Router and React tell of the error that the guard rejects with.
    for (const kind of ['warn', 'error'] as const)
      vi.spyOn(console, kind).mockImplementation(() => {})
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    await shows(/Sign in/)
    expect(location.assign).toHaveBeenCalledOnce()
  })
})

describe.each(Object.entries(apps))('with %s', (_, app) => {
  const options = 'body' in app ? { body: app.body } : {}

  test('who is not signed in is sent to sign in, and comes back to the protected page (N6)', async () => {
    const person = createPerson()
    person.open('https://app.example.com/orders?page=2', options.body)
    void app.open()
    await person.signIn(await person.leave(), options)
    await app.open()
    await shows(orders)
    expect(person.url()).toBe('https://app.example.com/orders?page=2')
    expect(person.server.requestsTo('/token')).toHaveLength(1)
  })

  test('who is signed in sees the protected page, and the server is asked nothing (N6)', async () => {
    const person = createPerson()
    const { auth } = (await load().run('auth')) as { auth: PkceClient }
    await person.server.signInTo(auth)
    const before = person.server.requests.length
    person.open('https://app.example.com/orders', options.body)
    await app.open()
    await shows(orders)
    expect(person.server.requests).toHaveLength(before)
  })

  test('who says no is not sent away again, and a click on the button leads to the page (N6)', async () => {
    const person = createPerson()
    person.open('https://app.example.com/orders?page=2', options.body)
    void app.open()
    await person.signIn(await person.leave(), { ...options, consent: false })
    await app.open()
    await shows(/Sign in/)
    // No route has the path /callback, so that a reload there would be a 404.
    expect(person.url()).toBe('https://app.example.com/orders?page=2')
    expect(location.assign).not.toHaveBeenCalled()
    await person.signIn(await person.leaveBy('Sign in'), options)
    await app.open()
    await shows(orders)
    expect(person.url()).toBe('https://app.example.com/orders?page=2')
  })
})

test.each(Object.values(apps).slice(0, 3))(
  'who goes to the protected page within the app comes back to it, not to the page before (N6)',
  async ({ open }) => {
    const person = createPerson()
    person.open('https://app.example.com/')
    const { goToOrders } = (await open())!
    void goToOrders()
    await person.signIn(await person.leave())
    await open()
    await shows(orders)
    expect(person.url()).toBe('https://app.example.com/orders')
  },
)

test('who signs out on a protected page is signed out, and not sent to sign in (N6)', async () => {
  const person = createPerson()
  const { auth } = (await load().run('auth')) as { auth: PkceClient }
  await person.server.signInTo(auth)
  person.open('https://app.example.com/orders')
  await apps['React Router'].open()
  const end = await person.leaveBy('Sign out')
  expect(end.pathname).toBe('/end_session')
  expect(location.assign).toHaveBeenCalledOnce()
})

test('the guard of SvelteKit and that of Angular send the user to the page they go to (N6)', async () => {
  for (const guard of [
    async (app: App) => {
      const { load } = await app.run('svelte-layout')
      return (load as (event: { url: URL }) => Promise<void>)({
        url: new URL('https://app.example.com/orders'),
      })
    },
    async (app: App) => {
      const { signedIn } = await app.run('angular')
      return (signedIn as (route: unknown, state: { url: string }) => Promise<boolean>)(
        {},
        { url: '/orders' },
      )
    },
  ]) {
    const person = createPerson()
    person.open('https://app.example.com/')
    void guard(load())
    await person.signIn(await person.leave())
    const app = load()
    await started(app)
    expect(person.url()).toBe('https://app.example.com/orders')
    expect([undefined, true]).toContain(await guard(app))
  }
})

test('a page that is open when the session ends says so (N6)', async () => {
  const person = createPerson()
  const app = load()
  const { auth } = (await app.run('auth')) as { auth: PkceClient }
  await person.server.signInTo(auth)
  person.open('https://app.example.com/orders')
  const { SignedOut } = (await app.run('signed-out')) as { SignedOut: react.FunctionComponent }
  const root = reactDomClient.createRoot(document.getElementById('root')!)
  root.render(react.createElement(SignedOut))
  await auth.signOut({ redirect: false })
  await shows(/You are signed out/)
  expect(location.assign).not.toHaveBeenCalled()
})
