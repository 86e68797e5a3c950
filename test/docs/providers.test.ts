// @vitest-environment happy-dom
import { expect, test, vi } from 'vitest'
import type { PkceClient } from 'pkce-client'
import { providers, spotify } from '../support/providers.ts'
import type { Provider } from '../support/providers.ts'
import { loadApp } from './app.ts'

const zitadel = 'https://my-instance-abc123.zitadel.cloud'
const pool = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI'
const cognito = 'https://shop.auth.eu-central-1.amazoncognito.com'

/** A block of the document, and what the provider publishes. */
const blocks = [
  ['entra', providers['Microsoft Entra, one tenant']],
  ['entra-tenants', providers['Microsoft Entra, work and school accounts']],
  ['auth0', providers['Auth0']],
  ['okta', providers['Okta']],
  ['keycloak', providers['Keycloak']],
  [
    'zitadel',
    {
      issuer: zitadel,
      metadata: {
        issuer: zitadel,
        authorization_endpoint: `${zitadel}/oauth/v2/authorize`,
        token_endpoint: `${zitadel}/oauth/v2/token`,
        jwks_uri: `${zitadel}/oauth/v2/keys`,
      },
    },
  ],
  [
    'cognito',
    {
      issuer: pool,
      metadata: {
        issuer: pool,
        authorization_endpoint: `${cognito}/oauth2/authorize`,
        token_endpoint: `${cognito}/oauth2/token`,
        end_session_endpoint: `${cognito}/logout`,
        jwks_uri: `${pool}/.well-known/jwks.json`,
      },
    },
  ],
  ['spotify', spotify],
  [
    'django',
    {
      issuer: 'https://django.example.com/o',
      metadata: { authorization_endpoint: 'https://django.example.com/o/authorize/' },
    },
  ],
] satisfies [string, Pick<Provider, 'issuer' | 'metadata'> | undefined][]

test.each(blocks)(
  'with the options of %s, people are sent to its sign-in page',
  async (name, provider) => {
    const { auth, asked } = await open(name, provider!.metadata)
    const { url } = await auth.createAuthorizationUrl()
    expect(url.origin + url.pathname).toBe(provider!.metadata['authorization_endpoint'])
    expect(url.searchParams.get('redirect_uri')).toBe('https://app.example.com/callback')
    expect(asked).toEqual(
      ['spotify', 'django'].includes(name)
        ? []
        : [`${provider!.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`],
    )
  },
)

/** The client of a block, in a page of the app, where the provider publishes these metadata. */
async function open(block: string, metadata: Provider['metadata'] | undefined) {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url)
    return Response.json(metadata)
  })
  const { happyDOM } = window as unknown as { happyDOM: { setURL(url: string): void } }
  happyDOM.setURL('https://app.example.com/')
  const { auth } = (await loadApp('docs/providers.md').run(block)) as { auth: PkceClient }
  return { auth, asked }
}

test('with the options of cognito, people are signed out as Cognito wants it (N14)', async () => {
  const [, provider] = blocks.find(([name]) => name === 'cognito')!
  const { auth } = await open('cognito', provider!.metadata)
  const left = vi.spyOn(location, 'assign').mockImplementation(() => {})
  await auth.signOut()
  const url = new URL(left.mock.lastCall![0])
  expect(url.origin + url.pathname).toBe(`${cognito}/logout`)
  expect([...url.searchParams]).toEqual([
    ['logout_uri', 'https://app.example.com/'],
    ['client_id', '1h57kf5cpq17m0eml12EXAMPLE'],
  ])
})

test('with all endpoints given, nothing is asked for', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('There is no network.')))
  const { auth } = (await loadApp('docs/providers.md').run('elsewhere')) as { auth: PkceClient }
  const { url } = await auth.createAuthorizationUrl()
  expect(url.pathname).toBe('/sign-in/authorize')
})
