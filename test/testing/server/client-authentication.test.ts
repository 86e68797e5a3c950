import { execFileSync } from 'node:child_process'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { errorOf, exchange, obtainCode, post, production, strictServer } from '../support.ts'
import type { ClientRegistration } from '../../../src/testing/index.ts'

const clientId = 'back end'
const secret = 'p:%+ é'
const at = { client_id: clientId, redirect_uri: production.redirectUri }
const registration = { clientId, redirectUris: [production.redirectUri], kind: 'internal' } as const

const server = (more: Partial<ClientRegistration>) =>
  strictServer({ clients: [{ ...registration, ...more }] })

/** RFC 6749 appendix B: what a form makes of it. */
const form = (text: string) => new URLSearchParams({ x: text }).toString().slice(2)
const basic = (id: string, password: string) => ({
  authorization: `Basic ${btoa(`${form(id)}:${form(password)}`)}`,
})
const outcome = async (made: ReturnType<typeof server>, fields: object, headers = {}) => {
  const response = await post(made, '/revoke', { token: 'nothing', ...fields }, headers)
  if (response.ok) return 'in'
  return [...(await errorOf(response)), response.headers.get('www-authenticate')]
}

const refused = [401, 'invalid_client', null]
const challenged = [401, 'invalid_client', 'Basic realm="token"']

describe('a client with a secret', () => {
  it('whose method is basic sends it in the header, form-encoded (S-17)', async () => {
    const made = server({ clientSecret: secret, authentication: 'basic' })
    expect(await outcome(made, {}, basic(clientId, secret))).toBe('in')
    expect(await outcome(made, at, basic(clientId, secret))).toBe('in')
    const bare = { authorization: `Basic ${btoa(`${clientId}:p:%25+`)}` }
    expect(await outcome(made, {}, bare)).toEqual(challenged)
    expect(await outcome(made, {}, basic(clientId, 'wrong'))).toEqual(challenged)
    expect(await outcome(made, { ...at, client_secret: secret })).toEqual(refused)
    expect(await outcome(made, at)).toEqual(refused)
  })

  it('whose method is post sends it in the body (S-17)', async () => {
    const made = server({ clientSecret: secret, authentication: 'post' })
    expect(await outcome(made, { ...at, client_secret: secret })).toBe('in')
    expect(await outcome(made, {}, basic(clientId, secret))).toEqual(challenged)
    expect(await outcome(made, { ...at, client_secret: 'wrong' })).toEqual(refused)
  })

  it('may use either, when the registration does not say (S-17)', async () => {
    const made = server({ clientSecret: secret })
    expect(await outcome(made, {}, basic(clientId, secret))).toBe('in')
    expect(await outcome(made, { ...at, client_secret: secret })).toBe('in')
  })

  it('cannot use two methods at once (S-17)', async () => {
    const made = server({ clientSecret: secret })
    const both = { ...at, client_secret: secret }
    const twice = [400, 'invalid_request', null]
    expect(await outcome(made, both, basic(clientId, secret))).toEqual(twice)
    const signed = { client_assertion: 'a.b.c', client_assertion_type: 'jwt' }
    expect(await outcome(made, { ...both, ...signed })).toEqual(twice)
    expect(await outcome(made, signed, basic(clientId, secret))).toEqual(twice)
  })

  it('cannot send one that no longer works (S-17)', async () => {
    const made = server({ clientSecret: secret })
    made.changeSecret(clientId, 'the next one')
    expect(await outcome(made, {}, basic(clientId, secret))).toEqual(challenged)
    expect(await outcome(made, {}, basic(clientId, 'the next one'))).toBe('in')
    expect(() => made.changeSecret('other', 'x')).toThrow('no client other with a secret')
  })
})

it('a public client has no secret to send (S-17)', async () => {
  const made = server({ authentication: 'none' })
  expect(await outcome(made, at)).toBe('in')
  expect(await outcome(made, { ...at, client_secret: secret })).toEqual(refused)
  expect(await outcome(made, {}, basic(clientId, secret))).toEqual(challenged)
})

it.each([
  [{ authentication: 'basic' }, 'cannot have authentication basic with no secret and no key'],
  [{ clientSecret: 'x', authentication: 'none' }, 'authentication none with clientSecret'],
  [{ publicKey: {}, authentication: 'post' }, 'authentication post with publicKey'],
  [{ publicKey: {}, certificate: 'x' }, 'cannot have both publicKey and certificate'],
  [{ certificate: 'x' }, 'cannot have this certificate: it is no PEM text'],
  [{ backChannelLogoutUri: '/logout' }, 'cannot have the backChannelLogoutUri /logout'],
  [{ authentication: 'tls' }, 'authentication must be one of "none", "basic", "post"'],
] as const)('a registration that cannot be: %j', (more, complaint) => {
  expect(() => server(more as Partial<ClientRegistration>)).toThrow(complaint)
})

describe('a client with a certificate, as Entra has it', () => {
  let certificate: string
  let key: string
  let other: string

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
    const make = (name: string) => {
      const [keyFile, file] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)]
      const options = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=back-end']
      const files = ['-keyout', keyFile, '-out', file]
      execFileSync('openssl', ['req', '-x509', ...options, ...files], { stdio: 'ignore' })
      return { key: readFileSync(keyFile, 'utf8'), certificate: readFileSync(file, 'utf8') }
    }
    ;({ key, certificate } = make('one'))
    other = make('other').key
    rmSync(folder, { recursive: true })
  })

  const digest = (hash: string) =>
    createHash(hash).update(new X509Certificate(certificate).raw).digest('base64url')

  async function assertion(made: ReturnType<typeof server>, odd: Odd = {}): Promise<string> {
    const { alg = 'PS256', claims, pem = key } = odd
    const header = odd.header ?? { 'x5t#S256': digest('sha256') }
    const now = Math.floor(Date.now() / 1000)
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const right = {
      ...{ iss: clientId, sub: clientId, aud: `${made.issuer}/token` },
      ...{ exp: now + 60, jti: crypto.randomUUID() },
    }
    const input = `${encode({ alg, ...header })}.${encode({ ...right, ...claims })}`
    const name = alg === 'PS256' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5'
    const imported = await crypto.subtle.importKey(
      'pkcs8',
      createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }),
      { name, hash: 'SHA-256' },
      false,
      ['sign'],
    )
    const signature = await crypto.subtle.sign(
      { name, saltLength: 32 },
      imported,
      Buffer.from(input),
    )
    return `${input}.${Buffer.from(signature).toString('base64url')}`
  }

  interface Odd {
    alg?: 'PS256' | 'RS256'
    header?: object
    claims?: object
    pem?: string
  }

  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const tryIt = async (odd: (made: ReturnType<typeof server>) => Odd) => {
    const made = server({ certificate })
    const fields = {
      client_assertion_type: type,
      client_assertion: await assertion(made, odd(made)),
    }
    return outcome(made, fields)
  }

  it.each<[string, (made: ReturnType<typeof server>) => Odd]>([
    ['x5t#S256 and PS256, for the token endpoint', () => ({})],
    ['x5t and RS256', () => ({ alg: 'RS256', header: { x5t: digest('sha1') } })],
    ['the issuer as audience', (made) => ({ claims: { aud: made.issuer } })],
  ])('gets in with %s (S-32)', async (_, odd) => {
    expect(await tryIt(odd)).toBe('in')
  })

  it.each<[string, (made: ReturnType<typeof server>) => Odd]>([
    ['no thumbprint', () => ({ header: {} })],
    ['the thumbprint of another', () => ({ header: { 'x5t#S256': 'AAAA' } })],
    ['PS256 and x5t alone', () => ({ header: { x5t: digest('sha1') } })],
    ['RS256 and x5t#S256 alone', () => ({ alg: 'RS256' })],
    ['the key of another', () => ({ pem: other })],
    ['a list for audience', (made) => ({ claims: { aud: [`${made.issuer}/token`] } })],
    ['another endpoint for audience', (made) => ({ claims: { aud: `${made.issuer}/revoke` } })],
  ])('does not get in with %s (S-32)', async (_, odd) => {
    expect(await tryIt(odd)).toEqual(refused)
  })

  it('gets tokens (S-32)', async () => {
    const made = server({ certificate })
    const fields = { client_assertion_type: type, client_assertion: await assertion(made) }
    expect((await exchange(made, await obtainCode(made, at), { ...at, ...fields })).status).toBe(
      200,
    )
  })
})
