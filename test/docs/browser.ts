import { vi } from 'vitest'
import { createAuthServer, createCookieJar } from 'pkce-client/testing'
import type { AuthServer } from 'pkce-client/testing'

export interface Person {
  readonly server: AuthServer
  /** The address shown. */
  url(): string
  /** Loads a page with this body at the address. */
  open(url: string, body?: string): void
  /** Clicks the button with this text, and gives the address the page is left for. */
  leaveBy(button: string): Promise<URL>
  /** The address the page is left for, once it is. */
  leave(): Promise<URL>
  /** Plays the person at the authorization server, and loads the page of the app they come back to. */
  signIn(url: URL, options?: { consent?: boolean; body?: string }): Promise<void>
}

/** A page of happy-dom with the network of a reference server, where the app of the documents is registered. */
export function createPerson(): Person {
  const server = createAuthServer({
    clients: [
      {
        clientId: 'my-app',
        redirectUris: ['https://app.example.com/callback'],
        postLogoutRedirectUris: ['https://app.example.com/'],
      },
    ],
  })
  const jar = createCookieJar()
  const { happyDOM } = window as unknown as { happyDOM: { setURL(url: string): void } }
  vi.stubGlobal('fetch', server.fetch)
  vi.stubGlobal('reportError', vi.fn())
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false)
  const left = vi.spyOn(location, 'assign').mockImplementation(() => {})
  localStorage.clear()
  sessionStorage.clear()

  return {
    server,
    url: () => location.href,
    open(url, body = '<div id="root"></div>') {
      left.mockClear()
      happyDOM.setURL(url)
      document.body.innerHTML = body
    },
    async leaveBy(label) {
      const button = await vi.waitUntil(
        () =>
          [...document.querySelectorAll('button')].find((one) => one.textContent.startsWith(label)),
        10_000,
      )
      button.click()
      return this.leave()
    },
    async leave() {
      return new URL(
        await vi.waitUntil(() => left.mock.lastCall?.[0] as string | undefined, 10_000),
      )
    },
    async signIn(url, { consent = true, body } = {}) {
      this.open(await server.authorize(url, { jar, consent }), body)
    },
  }
}
