import { describe, expect, test } from 'vitest'
import { entraOf, otherTenant, providers, tenant, worldOf } from '../support/providers.ts'
import type { Provider } from '../support/providers.ts'
import { listen, rejection } from '../support/world.ts'

describe.each(Object.entries(providers))('at %s', (_, provider) => {
  const { metadata, claims, issuer } = provider

  test('a person signs in, and the session says at which issuer', async () => {
    const { visit, asked, tab } = worldOf(provider)
    const { client, result } = await visit()
    expect(result).toMatchObject({ kind: 'signed-in' })
    expect(client.getSession()).toMatchObject({
      status: 'signed-in',
      claims: { iss: claims['iss'] },
    })
    expect(tab.url).toBe('https://app.example.com/callback')
    expect(asked).toEqual([
      `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
      ...[metadata['jwks_uri'], metadata['token_endpoint']],
    ])
  })

  test('a session is refreshed, and restored by the next page', async () => {
    const world = worldOf(provider)
    const { client } = await world.visit()
    await world.clock.advance(900_000)
    expect((await client.fetch(`${world.server.api.url}users/me`)).status).toBe(200)
    expect(await client.refresh()).toMatchObject({ claims: { iss: claims['iss'] } })
    const next = world.load(world.tab, '/')
    await next.start()
    expect(next.getSession()).toMatchObject({ status: 'signed-in', claims: { iss: claims['iss'] } })
  })

  test('a person is asked about, and signs out', async () => {
    const { visit, tab, asked } = worldOf(provider)
    const { client } = await visit()
    expect(await client.getUserInfo()).toMatchObject({ sub: 'user-ada' })
    const before = tab.navigations.length
    await client.signOut()
    expect(client.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    const revoked = asked.filter((url) => url === metadata['revocation_endpoint'])
    expect(revoked).toHaveLength(metadata['revocation_endpoint'] === undefined ? 0 : 2)
    const [away] = tab.navigations.slice(before)
    expect(away?.split('?')[0]).toBe(metadata['end_session_endpoint'])
  })

  test('an ID token of another issuer is refused', async () => {
    const world = worldOf(provider)
    world.claims({ iss: `${issuer}/` })
    expect(await rejection(world.visit())).toMatchObject({ code: 'id_token_invalid' })
    expect(world.storedSession()).toBeUndefined()
  })
})

describe('an issuer is compared exactly', () => {
  test.each(Object.entries(providers).filter(([, { issuer }]) => !/o[nm]\w*s?\/v2/.test(issuer)))(
    'at %s a slash more or less is another issuer, and the error shows both (C-49)',
    async (_, provider) => {
      const { issuer, metadata } = provider
      const mistaken = issuer.endsWith('/') ? issuer.slice(0, -1) : `${issuer}/`
      const world = worldOf({ ...provider, issuer: mistaken })
      const error = await rejection(world.client().createAuthorizationUrl())
      expect(error).toMatchObject({ code: 'issuer_mismatch' })
      expect((error as Error).message).toContain(JSON.stringify(metadata['issuer']))
      expect((error as Error).message).toContain(JSON.stringify(mistaken))
    },
  )
})

describe('Microsoft Entra for every tenant', () => {
  const organizations = entraOf('organizations')
  const iss = (id: string) => `https://login.microsoftonline.com/${id}/v2.0`

  test('people of several tenants sign in one after the other', async () => {
    const world = worldOf(organizations)
    await world.visit()
    world.claims({ iss: iss(otherTenant), tid: otherTenant })
    const { client } = await world.visit()
    expect(client.getSession()).toMatchObject({
      claims: { iss: iss(otherTenant), tid: otherTenant },
    })
  })

  test.each([
    ['the tenant of one and the issuer of another', { tid: otherTenant }],
    ['the issuer of one and the tenant of another', { iss: iss(otherTenant) }],
    ['no tenant', { tid: undefined }],
    ['no tenant, and the template for an issuer', { tid: undefined, iss: iss('{tenantid}') }],
    ['the template for a tenant', { tid: '{tenantid}', iss: iss('{tenantid}') }],
    ['no tenant, and an issuer without one', { tid: undefined, iss: iss('') }],
    ['an empty tenant', { tid: '', iss: iss('') }],
    ['a tenant that is a word', { tid: 'organizations', iss: iss('organizations') }],
    ['a tenant that is a domain', { tid: 'evil.example', iss: iss('evil.example') }],
    ['a tenant with a path', { tid: `${tenant}/..`, iss: iss(`${tenant}/..`) }],
    ['a tenant behind a path', { tid: `../${tenant}`, iss: iss(`../${tenant}`) }],
    ['a tenant that climbs', { tid: '../'.repeat(12), iss: iss('../'.repeat(12)) }],
    ['a tenant with a pattern', { tid: '$&', iss: iss('{tenantid}') }],
    ['a tenant that is a number', { tid: 7, iss: iss('7') }],
    ['a tenant that is a list', { tid: [tenant], iss: iss(tenant) }],
    ['the issuer of another host', { iss: `https://login.attacker.example/${tenant}/v2.0` }],
    ['the issuer of another version', { iss: `https://sts.windows.net/${tenant}/` }],
    ['the issuer of the option', { iss: organizations.issuer }],
  ])('an ID token with %s is refused (C-53)', async (_, claims) => {
    const world = worldOf(organizations)
    world.claims(claims)
    expect(await rejection(world.visit())).toMatchObject({ code: 'id_token_invalid' })
    expect(world.storedSession()).toBeUndefined()
  })

  test('an ID token that nobody at Microsoft signed is refused, whatever its tenant', async () => {
    const world = worldOf(organizations)
    world.server.fault('id-token-foreign-key')
    expect(await rejection(world.visit())).toMatchObject({ code: 'id_token_invalid' })
  })

  test('a refresh that answers with another tenant ends the session and is not used (C-66)', async () => {
    const world = worldOf(organizations)
    const { client } = await world.visit()
    const heard = listen(client)
    world.claims({ iss: iss(otherTenant), tid: otherTenant }, 'refresh')
    await rejection(client.refresh())
    expect(client.getSession()).toEqual({ status: 'signed-out', reason: 'identity-changed' })
    expect(heard.map(({ name }) => name)).toContain('signed-out')
  })

  test('a refreshed ID token whose tenant makes no sense is left out (F2)', async () => {
    const world = worldOf(organizations)
    const { client } = await world.visit()
    const heard = listen(client)
    world.claims({ tid: '..' }, 'refresh')
    await client.refresh()
    const { facts } = heard.find(({ name }) => name === 'token-refreshed')!
    expect(facts).toMatchObject({ idTokenError: { code: 'id_token_invalid' } })
  })

  test('works without discovery, when the metadata are given', async () => {
    const { visit, asked } = worldOf(organizations, { metadata: organizations.metadata })
    const { client } = await visit()
    expect(client.getSession()).toMatchObject({ claims: { iss: iss(tenant) } })
    expect(asked.filter((url) => url.includes('.well-known'))).toEqual([])
  })

  test('works for an app that only wants an access token', async () => {
    const world = worldOf(organizations, { scope: 'offline_access orders:read' })
    world.server.fault('id-token-missing')
    const { client } = await world.visit()
    expect(client.getSession()).toMatchObject({ status: 'signed-in' })
    expect(await client.refresh()).toMatchObject({ status: 'signed-in' })
  })

  test('an iss parameter that names the tenant of the ID token is right (C-22, F21)', async () => {
    const { client } = await worldOf(organizations).visit({ iss: iss(tenant) })
    expect(client.getSession()).toMatchObject({ claims: { iss: iss(tenant) } })
  })

  test.each([
    ['another tenant than the ID token', iss(otherTenant)],
    ['the template itself', iss('{tenantid}')],
  ])('an iss parameter that names %s is refused (C-22, F21)', async (_, named) => {
    const { visit } = worldOf(organizations)
    const error = await rejection(visit({ iss: named }))
    expect(error).toMatchObject({ code: 'issuer_mismatch' })
    expect((error as Error).message).toMatch(/iss parameter/)
  })

  test.each([
    ['something that is no tenant', iss('common')],
    ['an endless tenant', iss(`${tenant}0`)],
    ['a tenant in capitals', iss(tenant.toUpperCase())],
    ['a tenant of another host', iss(tenant).replace('https://', 'https://attacker.example/')],
    ['a tenant of another version', iss(tenant).replace('v2', 'v1')],
    ['the beginning of one', iss(tenant).slice(0, -1)],
    ['nothing', ''],
  ])(
    'an iss parameter that names %s is refused before anything is sent (C-22, F21)',
    async (_, named) => {
      const { visit, asked } = worldOf(organizations)
      expect(await rejection(visit({ iss: named }))).toMatchObject({ code: 'issuer_mismatch' })
      expect(asked).not.toContain(organizations.metadata['token_endpoint'])
    },
  )

  test('without openid there is no ID token to compare an iss parameter with (F21)', async () => {
    const world = worldOf(organizations, { scope: 'offline_access orders:read' })
    world.server.fault('id-token-missing')
    const { client } = await world.visit({ iss: iss(tenant) })
    expect(client.getSession()).toMatchObject({ status: 'signed-in' })
  })

  const named = (option: string, issuer: string): Provider => {
    const { metadata, ...rest } = organizations
    return { ...rest, issuer: option, metadata: { ...metadata, issuer } }
  }

  test.each([
    ['a tenant, which gets people of that tenant only', iss(tenant), iss('{tenantid}')],
    ['a domain', iss('contoso.onmicrosoft.com'), iss(tenant)],
    [
      'a template on another host',
      organizations.issuer,
      'https://attacker.example/{tenantid}/v2.0',
    ],
    ['a template of another version', organizations.issuer, iss('{tenantid}').replace('v2', 'v1')],
    ['another name for the template', organizations.issuer, iss('{tenant}')],
    ['one tenant in place of the template', organizations.issuer, iss(tenant)],
    ['a template where none was asked for', 'https://id.example.com', 'https://{tenantid}'],
  ])('%s is not what was asked for (C-49)', async (_, option, issuer) => {
    const world = worldOf(named(option, issuer))
    const error = await rejection(world.client().createAuthorizationUrl())
    expect(error).toMatchObject({ code: 'issuer_mismatch' })
    expect(world.tab.navigations).toEqual([])
  })

  test('a template put into storage while the person was away is refused (C-51)', async () => {
    const okta = providers['Okta']!
    const world = worldOf(okta)
    const url = await world.leave(world.tab, world.client())
    const [[name, transaction]] = [...world.transactions()] as [[string, { server: object }]]
    Object.assign(transaction.server, { issuer: 'https://dev-000000.okta.com/{tenantid}/default' })
    world.browser.local.set(name, JSON.stringify(transaction))
    const answer = new URLSearchParams({ state: url.searchParams.get('state')!, code: 'x' })
    const auth = world.load(world.tab, `https://app.example.com/callback?${answer.toString()}`)
    expect(await rejection(auth.start())).toMatchObject({ code: 'issuer_mismatch' })
  })
})
