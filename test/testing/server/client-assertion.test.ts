import * as oauth from 'oauth4webapi'
import { beforeAll, describe, expect, it } from 'vitest'
import { errorOf, exchange, obtainCode, post, production, strictServer } from '../support.ts'

const clientId = 'back-end'
const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const at = { client_id: clientId, redirect_uri: production.redirectUri }

let pair: CryptoKeyPair
let publicKey: JsonWebKey

beforeAll(async () => {
  pair = await oauth.generateKeyPair('ES256', { extractable: true })
  publicKey = await crypto.subtle.exportKey('jwk', pair.publicKey)
})

const server = () =>
  strictServer({
    clients: [{ clientId, publicKey, redirectUris: [production.redirectUri], kind: 'internal' }],
  })

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** An assertion as it should be, but for what is given. */
async function assertion(
  issuer: string,
  { claims = {}, header = {}, key = pair.privateKey }: Odd = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const right = {
    iss: clientId,
    sub: clientId,
    aud: issuer,
    exp: now + 60,
    jti: crypto.randomUUID(),
  }
  const input = `${encode({ alg: 'ES256', ...header })}.${encode({ ...right, ...claims })}`
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, key, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

interface Odd {
  claims?: object
  header?: object
  key?: CryptoKey
}

describe('a client that signs assertions (S-32)', () => {
  it('gets tokens with what oauth4webapi makes', async () => {
    const made = server()
    const code = await obtainCode(made, at)
    const as = { issuer: made.issuer, token_endpoint: `${made.issuer}/token` }
    const response = await oauth.genericTokenEndpointRequest(
      as,
      { client_id: clientId },
      oauth.PrivateKeyJwt(pair.privateKey),
      'refresh_token',
      { refresh_token: 'nothing' },
      { [oauth.customFetch]: made.fetch },
    )
    // Who it is was believed: what is refused is the token.
    expect(await errorOf(response)).toEqual([400, 'invalid_grant'])
    const fields = { client_assertion_type: type, client_assertion: await assertion(made.issuer) }
    expect((await exchange(made, code, { ...at, ...fields })).status).toBe(200)
  })

  it('is named by the assertion alone, if it likes', async () => {
    const made = server()
    const fields = {
      token: 'nothing',
      client_assertion_type: type,
      client_assertion: await assertion(made.issuer),
    }
    expect((await post(made, '/revoke', fields)).status).toBe(200)
  })

  const wrong: [string, (issuer: string) => Odd | Promise<Odd>][] = [
    ['for the token endpoint', (issuer) => ({ claims: { aud: `${issuer}/token` } })],
    ['for a list', (issuer) => ({ claims: { aud: [issuer] } })],
    ['of another client', () => ({ claims: { iss: 'other', sub: 'other' } })],
    ['about somebody else', () => ({ claims: { sub: 'other' } })],
    ['without an end', () => ({ claims: { exp: undefined } })],
    ['that is over', () => ({ claims: { exp: Math.floor(Date.now() / 1000) - 1 } })],
    ['for a day', () => ({ claims: { exp: Math.floor(Date.now() / 1000) + 86_400 } })],
    ['without a jti', () => ({ claims: { jti: undefined } })],
    ['that says it is not signed', () => ({ header: { alg: 'none' } })],
    ['of another algorithm', () => ({ header: { alg: 'HS256' } })],
    ['of another key', async () => ({ key: (await oauth.generateKeyPair('ES256')).privateKey })],
  ]
  it.each(wrong)('does not get in with one %s', async (_, odd) => {
    const made = server()
    const fields = {
      ...at,
      client_assertion_type: type,
      client_assertion: await assertion(made.issuer, await odd(made.issuer)),
    }
    const response = await exchange(made, await obtainCode(made, at), fields)
    expect(await errorOf(response)).toEqual([401, 'invalid_client'])
  })

  it('does not get in twice with one assertion', async () => {
    const made = server()
    const fields = {
      token: 'nothing',
      client_assertion_type: type,
      client_assertion: await assertion(made.issuer),
    }
    expect((await post(made, '/revoke', fields)).status).toBe(200)
    expect(await errorOf(await post(made, '/revoke', fields))).toEqual([401, 'invalid_client'])
  })

  it.each([
    ['its client_id alone', {}],
    ['a secret', { client_secret: 'hush' }],
    ['an assertion of another type', { client_assertion: 'a.b.c', client_assertion_type: 'saml' }],
  ])('does not get in with %s', async (_, fields) => {
    const made = server()
    const response = await exchange(made, await obtainCode(made, at), { ...at, ...fields })
    expect(await errorOf(response)).toEqual([401, 'invalid_client'])
  })

  it('cannot be registered with a secret as well', () => {
    const redirectUris = [production.redirectUri]
    expect(() =>
      strictServer({ clients: [{ clientId, publicKey, clientSecret: 'hush', redirectUris }] }),
    ).toThrow('cannot have both')
  })
})
