import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../../src/testing/index.ts'
import type { AuthServer } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  claimsOf,
  discover,
  errorOf,
  exchange,
  hiddenFields,
  internalApp,
  obtainCode,
  open,
  redirectOf,
  refresh,
  signIn,
  strictServer,
} from '../support.ts'

const payment = {
  type: 'payment',
  actions: ['initiate'],
  amount: { value: '9.99', currency: 'EUR' },
}
const accounts = { type: 'accounts', locations: ['https://api.example.com/'] }
const both = JSON.stringify([payment, accounts])

const bank = (options = {}) =>
  strictServer({ authorizationDetailsTypes: ['payment', 'accounts'], ...options })

async function granted(response: Response | Promise<Response>): Promise<unknown> {
  const answer = (await (await response).json()) as { authorization_details?: unknown }
  return answer.authorization_details
}

describe('authorization details', () => {
  it('come back with the tokens, and with refreshed ones', async () => {
    const server = bank()
    const tokens = await signIn(server, { authorization_details: both })
    expect(tokens).toMatchObject({ authorization_details: [payment, accounts] })
    expect(await granted(refresh(server, tokens.refresh_token))).toEqual([payment, accounts])
  })

  it('are a claim of access tokens that are JWTs', async () => {
    const server = bank({ accessTokenFormat: 'RS256' })
    const { access_token: token } = await signIn(server, { authorization_details: both })
    expect(claimsOf(token)['authorization_details']).toEqual([payment, accounts])
  })

  it('are not mentioned when nobody asked for any', async () => {
    expect(await signIn(bank())).not.toHaveProperty('authorization_details')
  })

  it('have their types in the metadata', async () => {
    const name = 'authorization_details_types_supported'
    expect((await discover(bank()))[name]).toEqual(['payment', 'accounts'])
    expect(await discover(strictServer())).not.toHaveProperty(name)
  })

  it.each([
    ['no JSON', 'payment'],
    ['an object', JSON.stringify(payment)],
    ['an empty array', '[]'],
    ['strings', '["payment"]'],
    ['null', '[null]'],
    ['arrays', '[[]]'],
    ['no type', '[{}]'],
    ['an unknown type', '[{"type":"payments"}]'],
    ['one unknown type among others', '[{"type":"payment"},{"type":"x"}]'],
    ['locations that are a string', '[{"type":"payment","locations":"https://x.example"}]'],
    ['actions of numbers', '[{"type":"payment","actions":[1]}]'],
    ['an identifier that is a number', '[{"type":"payment","identifier":7}]'],
  ])('%s: invalid_authorization_details (S-12)', async (_, details) => {
    const server = bank()
    const url = authorizationUrl(server, { authorization_details: details })
    expect(redirectOf(await open(server, url)).get('error')).toBe('invalid_authorization_details')
  })

  async function consentPage(server: AuthServer, details: string) {
    const browse = server.withCookies(createCookieJar())
    const login = await browse(authorizationUrl(server, { authorization_details: details }))
    const fields = { ...hiddenFields(await login.text()), username: 'ada', password: 'lovelace' }
    const sent = { method: 'POST', body: new URLSearchParams(fields) }
    return (await browse(`${server.issuer}/login`, sent)).text()
  }

  it('are shown to the user, escaped', async () => {
    const page = await consentPage(bank(), '[{"type":"payment","to":"<b>Ada</b>"}]')
    expect(page).toContain('payment: <code>{&#34;to&#34;:&#34;&#60;b&#62;Ada')
  })

  it('are agreed to one by one: other details are asked about again', async () => {
    const server = bank()
    const jar = createCookieJar()
    await server.authorize(authorizationUrl(server, { authorization_details: both }), { jar })
    const silently = async (details: string) => {
      const url = authorizationUrl(server, { authorization_details: details, prompt: 'none' })
      return redirectOf(await server.withCookies(jar)(url, { redirect: 'manual' })).get('error')
    }
    expect(await silently(JSON.stringify([accounts]))).toBeNull()
    expect(await silently('[{"type":"payment","amount":{"value":"1000"}}]')).toBe(
      'consent_required',
    )
  })
})

describe('a token request', () => {
  const some = JSON.stringify([{ locations: accounts.locations, type: 'accounts' }])
  const other = JSON.stringify([{ ...accounts, locations: ['https://other.example/'] }])

  it('may ask for some of the granted details', async () => {
    const server = bank()
    const code = await obtainCode(server, { authorization_details: both })
    const tokens = await exchange(server, code, { authorization_details: some })
    const { refresh_token: token, authorization_details: details } = (await tokens.json()) as {
      refresh_token: string
      authorization_details: unknown
    }
    expect(details).toEqual([accounts])
    expect(await granted(refresh(server, token))).toEqual([payment, accounts])
  })

  it('may do so at a refresh', async () => {
    const server = bank()
    const { refresh_token: token } = await signIn(server, { authorization_details: both })
    expect(await granted(refresh(server, token, { authorization_details: some }))).toEqual([
      accounts,
    ])
  })

  it('gets nothing that was not granted, and may try again', async () => {
    const server = bank()
    const refusal = [400, 'invalid_authorization_details']
    const code = await obtainCode(server, { ...internalApp, authorization_details: both })
    const app = { ...internalApp, authorization_details: other }
    expect(await errorOf(exchange(server, code, app))).toEqual(refusal)
    const tokens = await exchange(server, code, internalApp)
    const { refresh_token: token } = (await tokens.json()) as { refresh_token: string }
    const { client_id } = internalApp
    for (const details of [other, 'no JSON']) {
      const attempt = refresh(server, token, { client_id, authorization_details: details })
      expect(await errorOf(attempt)).toEqual(refusal)
    }
    expect((await refresh(server, token, { client_id })).status).toBe(200)
  })
})
