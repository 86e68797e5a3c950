// @vitest-environment happy-dom
import { expect, test, vi } from 'vitest'
import type { PkceClient } from 'pkce-client'
import { providers, spotify } from '../support/providers.ts'
import { loadApp } from './app.ts'

/** A block of the document, and what the provider publishes. */
const blocks = [
  ['entra', providers['Microsoft Entra, one tenant']],
  ['entra-tenants', providers['Microsoft Entra, work and school accounts']],
  ['auth0', providers['Auth0']],
  ['okta', providers['Okta']],
  ['keycloak', providers['Keycloak']],
  ['spotify', spotify],
] as const

test.each(blocks)(
  'with the options of %s, people are sent to its sign-in page',
  async (name, provider) => {
    const asked: string[] = []
    vi.stubGlobal('fetch', async (url: string) => {
      asked.push(url)
      return Response.json(provider!.metadata)
    })
    ;(window as unknown as { happyDOM: { setURL(url: string): void } }).happyDOM.setURL(
      'https://app.example.com/',
    )
    const { auth } = (await loadApp('docs/providers.md').run(name)) as { auth: PkceClient }
    const { url } = await auth.createAuthorizationUrl()
    expect(url.origin + url.pathname).toBe(provider!.metadata['authorization_endpoint'])
    expect(url.searchParams.get('redirect_uri')).toBe('https://app.example.com/callback')
    expect(asked).toEqual(
      name === 'spotify'
        ? []
        : [`${provider!.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`],
    )
  },
)

test('with all endpoints given, nothing is asked for', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('There is no network.')))
  const { auth } = (await loadApp('docs/providers.md').run('elsewhere')) as { auth: PkceClient }
  const { url } = await auth.createAuthorizationUrl()
  expect(url.pathname).toBe('/sign-in/authorize')
})
