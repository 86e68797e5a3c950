import { describe, expect, test } from 'vitest'
import { unprotected, createSend } from '../../src/protocol/send.ts'
import { createTransport } from '../../src/protocol/transport.ts'
import { revokeToken } from '../../src/protocol/sign-out.ts'
import {
  clientCertificate,
  clientSecret,
  clientSecretPost,
  privateKeyJwt,
} from '../../src/server/index.ts'
import { PkceClient } from '../../src/index.ts'
import { createAuthServer, createFakeClock } from '../../src/testing/index.ts'
import { elliptic, rsa } from '../support/certificates.ts'
import type { ClientAuthenticationMethod } from '../../src/server/index.ts'
import type { ClientRegistration, RecordedRequest } from '../../src/testing/index.ts'

const redirectUris = ['https://app.example.com/auth/callback']
const clock = createFakeClock()

interface Request {
  registered?: Partial<ClientRegistration>
  clientId?: string
  server?: { issuer: string; token_endpoint?: string }
}

/** One authenticated request to the reference server, which refuses all but the registered way of authentication. */
async function request(
  method: ClientAuthenticationMethod,
  { registered, clientId = 'my-web-app', server }: Request,
): Promise<RecordedRequest> {
  const clients = [{ clientId, redirectUris, ...registered }]
  const idp = createAuthServer({ clock, clients })
  const transport = createTransport({ fetch: () => idp.fetch, clock, timeout: 1000, emit() {} })
  await revokeToken(
    {
      clientId,
      clientAuthentication: method(clock),
      server: {
        issuer: idp.issuer,
        authorization_endpoint: `${idp.issuer}/authorize`,
        token_endpoint: `${idp.issuer}/token`,
        revocation_endpoint: `${idp.issuer}/revoke`,
        ...server,
      },
      transport,
      send: createSend(transport, unprotected),
      tokenType: 'Bearer',
      clock,
    },
    'a-token',
  )
  return idp.requests.at(-1)!
}

const refused = (error: Promise<unknown>) =>
  error.then(
    () => 'accepted',
    (caught: unknown) => `${(caught as { code: string }).code}: ${(caught as Error).message}`,
  )

/** What an assertion says, header and claims. */
function readAssertion({ form }: RecordedRequest): Record<string, unknown>[] {
  const parts = form!['client_assertion']!.split('.').slice(0, 2)
  return parts.map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as never)
}

describe('a client secret', () => {
  const odd = 's:%+ é/&=?"'

  test('travels in the header, whatever its characters, and nowhere else (C-38, C-39, oidcc-client-test-client-secret-basic)', async () => {
    const id = 'my:web app+é'
    const { form, headers } = await request(clientSecret(odd), {
      clientId: id,
      registered: { clientSecret: odd },
    })
    const [user, password] = Buffer.from(headers.authorization!.slice(6), 'base64')
      .toString()
      .split(':')
    expect(headers.authorization).toMatch(/^Basic /)
    expect(user).toBe('my%3Aweb+app%2B%C3%A9')
    expect(password).toBe('s%3A%25%2B+%C3%A9%2F%26%3D%3F%22')
    expect(form).toEqual({ token: 'a-token' })
  })

  test('travels in the body where the app says so, and not in the header (C-38)', async () => {
    const { form, headers } = await request(clientSecretPost(odd), {
      registered: { clientSecret: odd },
    })
    expect(headers).not.toHaveProperty('authorization')
    expect(form).toEqual({ token: 'a-token', client_id: 'my-web-app', client_secret: odd })
  })

  test.each([clientSecret, clientSecretPost])('must not be missing', (make) => {
    // As process.env.CLIENT_SECRET is where nobody has set it.
    const missing = `${make.name} must be a non-empty string; it is "undefined".`
    expect(() => make(undefined as never)).toThrow(missing)
    expect(() => make('')).toThrow(`${make.name} must be a non-empty string`)
    expect(() => make({ secret: 'a-secret' } as never)).not.toThrow('a-secret')
  })
})

test('a client in a browser has no option for a secret (C-40)', () => {
  const options = {
    issuer: 'https://login.example.com',
    clientId: 'my-spa',
    redirectUri: 'https://app.example.com/callback',
  }
  for (const name of ['clientSecret', 'client_secret', 'clientAuthentication']) {
    const secret = { ...options, [name]: 'a-secret' }
    expect(() => new PkceClient(secret)).toThrow(`There is no option ${name}`)
    expect(() => new PkceClient(secret)).not.toThrow('a-secret')
  }
})

describe('a client with a key pair', () => {
  const keys = crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])
  const registered = async () => ({
    publicKey: await crypto.subtle.exportKey('jwk', (await keys).publicKey),
  })

  test('signs for the issuer alone, anew for each request, good for a minute by its own clock (C-41)', async () => {
    const method = privateKeyJwt({ key: (await keys).privateKey, kid: 'key-1' })
    const all = { registered: await registered() }
    const [header, claims] = readAssertion(await request(method, all))
    const now = Math.floor(clock.now() / 1000)
    expect(header).toEqual({ alg: 'ES256', kid: 'key-1' })
    expect(claims).toEqual({
      iss: 'my-web-app',
      sub: 'my-web-app',
      aud: 'https://login.example.com',
      iat: now,
      nbf: now,
      exp: now + 60,
      jti: expect.stringMatching(/^[\w-]{43}$/),
    })
    const [, again] = readAssertion(await request(method, all))
    expect(again!['jti']).not.toBe(claims!['jti'])
  })

  test("gets past no server that names somebody else's token endpoint as its own (A-11)", async () => {
    const method = privateKeyJwt({ key: (await keys).privateKey })
    const hostile = {
      issuer: 'https://login.example.com',
      token_endpoint: 'https://honest.example.com/token',
    }
    const [, claims] = readAssertion(
      await request(method, { registered: await registered(), server: hostile }),
    )
    expect(claims!['aud']).toBe('https://login.example.com')
  })

  test('may give the key as a JWK with its name and uses, or as PEM text', async () => {
    const jwk = await crypto.subtle.exportKey('jwk', (await keys).privateKey)
    const asJwk = privateKeyJwt({
      key: { ...jwk, kid: 'of-jwk', use: 'sig', key_ops: ['sign'] },
    })
    const [header] = readAssertion(await request(asJwk, { registered: await registered() }))
    expect(header).toEqual({ alg: 'ES256', kid: 'of-jwk' })

    const der = await crypto.subtle.exportKey('pkcs8', (await keys).privateKey)
    const base64 = Buffer.from(der).toString('base64')
    // As one line of an environment file.
    const pem = `-----BEGIN PRIVATE KEY-----\\n${base64}\\n-----END PRIVATE KEY-----\\n`
    const asPem = privateKeyJwt({ key: pem })
    const [plain] = readAssertion(await request(asPem, { registered: await registered() }))
    expect(plain).toEqual({ alg: 'ES256' })
  })

  test('signs with RS256 when the key is RSA, or with what its JWK says', async () => {
    const { publicKey, jwk } = await rsaKey()
    const first = await request(privateKeyJwt({ key: rsa.privateKey }), {
      registered: { publicKey },
    })
    expect(readAssertion(first)[0]).toEqual({ alg: 'RS256' })
    const { alg: _, ...rest } = jwk
    const second = await request(privateKeyJwt({ key: { ...rest, alg: 'PS256' } }), {
      registered: { publicKey },
    })
    expect(readAssertion(second)[0]).toEqual({ alg: 'PS256' })
  })

  test('knows an Ed25519 key by the older name of its algorithm, and takes no number for its name', async () => {
    const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
    const { privateKey } = pair
    const jwk = await crypto.subtle.exportKey('jwk', privateKey)
    const body = new URLSearchParams()
    const authenticate = privateKeyJwt({ key: { ...jwk, alg: 'EdDSA', kid: 7 } })(clock)
    const server = { issuer: 'https://login.example.com' }
    await authenticate(server, { client_id: 'app' }, body, new Headers())
    const form = { client_assertion: body.get('client_assertion')! }
    expect(readAssertion({ form } as never)[0]).toEqual({ alg: 'Ed25519' })
  })
})

async function rsaKey() {
  const [, base64] = rsa.privateKey.split('-----BEGIN PRIVATE KEY-----')
  const der = Buffer.from(base64!.split('-----')[0]!, 'base64')
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign'])
  const jwk = await crypto.subtle.exportKey('jwk', key)
  return { jwk, key, publicKey: { kty: 'RSA', n: jwk.n, e: jwk.e } }
}

describe('a client with a certificate', () => {
  const { certificate, privateKey } = rsa
  const send = async (method: ClientAuthenticationMethod, issuer?: string, endpoint?: string) => {
    const { publicKey } = await rsaKey()
    const server = issuer ? { issuer, token_endpoint: endpoint ?? `${issuer}/token` } : undefined
    return request(method, { registered: { publicKey }, ...(server && { server }) })
  }

  test('names it by its SHA-256 thumbprint, and signs with PS256', async () => {
    const [header, claims] = readAssertion(
      await send(clientCertificate({ privateKey, certificate })),
    )
    expect(header).toEqual({ alg: 'PS256', 'x5t#S256': rsa.sha256 })
    expect(claims!['aud']).toBe('https://login.example.com')
    const named = clientCertificate({ privateKey, certificate, thumbprint: 'sha256' })
    expect(readAssertion(await send(named))[0]).toEqual(header)
  })

  test('names it by SHA-1 and signs with RS256 where the app says so', async () => {
    const method = clientCertificate({ privateKey, certificate, thumbprint: 'sha1' })
    expect(readAssertion(await send(method))[0]).toEqual({ alg: 'RS256', x5t: rsa.sha1 })
  })

  test('takes both out of one file, the first certificate of a chain', async () => {
    const file = `Bag Attributes\n${certificate}${elliptic.certificate}${privateKey}`
    const method = clientCertificate({ privateKey: file, certificate: file })
    expect(readAssertion(await send(method))[0]).toEqual({ alg: 'PS256', 'x5t#S256': rsa.sha256 })
  })

  const worldwide = 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0'

  test.each([
    [
      worldwide,
      'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token',
    ],
    [
      'https://login.microsoftonline.com/{tenantid}/v2.0',
      'https://login.microsoftonline.com/organizations/oauth2/v2.0/token',
    ],
    [
      'https://login.microsoftonline.us/tenant/v2.0',
      'https://login.microsoftonline.us/tenant/oauth2/v2.0/token',
    ],
    [
      'https://login.partner.microsoftonline.cn/tenant/v2.0',
      'https://login.partner.microsoftonline.cn/tenant/oauth2/v2.0/token',
    ],
    [
      'https://11111111-2222.ciamlogin.com/tenant/v2.0',
      'https://contoso.ciamlogin.com/tenant/oauth2/v2.0/token',
    ],
  ])('is for the token endpoint where the issuer is Entra: %s', async (issuer, endpoint) => {
    const audience = await audienceAt(issuer, endpoint)
    expect(audience).toBe(endpoint)
  })

  test.each([
    ['https://login.example.com', 'https://login.microsoftonline.com/tenant/oauth2/v2.0/token'],
    ['https://login.microsoftonline.com.evil.example', 'https://login.microsoftonline.com/token'],
    ['https://evil.example/login.microsoftonline.com/', 'https://login.microsoftonline.com/token'],
    ['https://evilciamlogin.com/tenant/v2.0', 'https://contoso.ciamlogin.com/token'],
    ['https://a.b.ciamlogin.com/tenant/v2.0', 'https://contoso.ciamlogin.com/token'],
  ])('is for the issuer everywhere else: %s (C-41, A-11)', async (issuer, endpoint) => {
    expect(await audienceAt(issuer, endpoint)).toBe(issuer)
  })

  test('is not sent where Entra has no token endpoint', async () => {
    expect(await refused(audienceAt(worldwide, undefined))).toBe(
      'invalid_option: metadata must have a token_endpoint on microsoftonline.com, as issuer is; it is missing.',
    )
  })

  test.each([
    'https://evil.example/token',
    `https://evil.example/${'x'.repeat(300)}`,
    'no URL',
    'https://login.microsoftonline.com.evil.example/token',
    'https://evilmicrosoftonline.com/token',
    'https://microsoftonline.com@evil.example/token',
  ])(
    "is not sent where Entra's metadata name another token endpoint: %s (A-11)",
    async (endpoint) => {
      const refusal = await refused(audienceAt(worldwide, endpoint))
      expect(refusal).toBe(
        `invalid_option: metadata must have a token_endpoint on microsoftonline.com, as issuer is; it is ${endpoint.slice(0, 200)}.`,
      )
    },
  )

  /** What `aud` says in an assertion for this server. */
  async function audienceAt(issuer: string, token_endpoint?: string): Promise<unknown> {
    const body = new URLSearchParams()
    const authenticate = clientCertificate({ privateKey, certificate })(clock)
    await authenticate(
      { issuer, ...(token_endpoint && { token_endpoint }) },
      { client_id: 'app' },
      body,
      new Headers(),
    )
    const form = { client_assertion: body.get('client_assertion')! }
    return readAssertion({ form } as never)[1]!['aud']
  }
})

describe('a key that cannot be used is refused by the name of its option', () => {
  const { certificate, privateKey } = rsa
  const pem = (label: string, base64 = 'AAAA') =>
    `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----`
  /** The object identifier of RSA, with these bytes in place of the beginning of a key. */
  const withKeyAfter = (...start: number[]) => {
    const rsaEncryption = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]
    const der = Buffer.from([0, ...start, 0, 0, ...rsaEncryption, 5, 0])
    return pem('CERTIFICATE', der.toString('base64'))
  }

  test.each([
    [
      'no PEM text',
      'secret',
      'key must have a PEM block that begins with "-----BEGIN PRIVATE KEY-----".',
    ],
    [
      'a certificate',
      certificate,
      'key must have a PEM block that begins with "-----BEGIN PRIVATE KEY-----".',
    ],
    [
      'cut off',
      privateKey.slice(0, 500),
      'key must have a PEM block that begins with "-----BEGIN PRIVATE KEY-----".',
    ],
    [
      'without its last line',
      privateKey.replace(/-----END.*/s, ''),
      'key must have a PEM block that begins with "-----BEGIN PRIVATE KEY-----".',
    ],
    [
      'no base64',
      pem('PRIVATE KEY').replace('AAAA', '*'),
      'key must have a PEM block that begins with "-----BEGIN PRIVATE KEY-----".',
    ],
    [
      'encrypted',
      rsa.encrypted,
      'key must not be encrypted; "openssl pkcs8 -topk8 -nocrypt -in key.pem" decrypts it.',
    ],
    [
      'PKCS #1',
      rsa.pkcs1,
      'key must be in the format PKCS #8; "openssl pkcs8 -topk8 -nocrypt -in key.pem" converts it.',
    ],
    [
      'a public JWK',
      { kty: 'RSA', n: 'AA', e: 'AQAB' },
      'key must be a private key as PEM text (PKCS #8), as a JWK with d, or as a CryptoKey.',
    ],
    [
      'missing',
      undefined,
      'key must be a private key as PEM text (PKCS #8), as a JWK with d, or as a CryptoKey.',
    ],
    [
      'null',
      null,
      'key must be a private key as PEM text (PKCS #8), as a JWK with d, or as a CryptoKey.',
    ],
  ])('%s', (_, key, message) => {
    expect(() => privateKeyJwt({ key: key as never })).toThrow(
      expect.objectContaining({ code: 'invalid_option', message }),
    )
  })

  test('a CryptoKey that cannot sign, or not so', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const secret = await crypto.subtle.generateKey(hmac, false, ['sign', 'verify'])
    const agreement = { name: 'ECDH', namedCurve: 'P-256' }
    const { privateKey: ecdh } = await crypto.subtle.generateKey(agreement, false, ['deriveBits'])
    for (const key of [pair.publicKey, secret, ecdh])
      expect(() => privateKeyJwt({ key })).toThrow(
        'key must be a private key with the usage "sign".',
      )
    expect(() => clientCertificate({ privateKey: pair.privateKey, certificate })).toThrow(
      'privateKey must sign with PS256; it is for ECDSA.',
    )
  })

  test.each([
    ['garbage in a PEM block', pem('PRIVATE KEY')],
    ['a JWK for something else', { kty: 'oct', d: 'AAAA' }],
    ['a JWK with another algorithm', { kty: 'RSA', d: 'AAAA', alg: 'RSA-OAEP' }],
  ])('by the first request: %s', async (_, key) => {
    expect(await refused(request(privateKeyJwt({ key: key }), {}))).toBe(
      'invalid_option: key must be a private key for RS256, PS256, ES256, ES384, ES512, Ed25519.',
    )
  })

  test('by the first request: an RSA key of 1024 bits', async () => {
    const short = {
      name: 'RSA-PSS',
      hash: 'SHA-256',
      modulusLength: 1024,
      publicExponent: new Uint8Array([1, 0, 1]),
    }
    const { privateKey: key } = await crypto.subtle.generateKey(short, true, ['sign', 'verify'])
    expect(await refused(request(privateKeyJwt({ key }), {}))).toBe(
      'invalid_option: key must have at least 2048 bits; it has 1024.',
    )
  })

  test.each([
    [
      'a certificate that is none',
      { privateKey, certificate: privateKey },
      'certificate must have a PEM block that begins with "-----BEGIN CERTIFICATE-----".',
    ],
    [
      'a missing certificate',
      { privateKey, certificate: undefined },
      'certificate must have a PEM block that begins with "-----BEGIN CERTIFICATE-----".',
    ],
    [
      'a certificate that is not RSA',
      { privateKey, certificate: elliptic.certificate },
      'certificate must have an RSA key.',
    ],
    [
      'garbage in a PEM block',
      { privateKey, certificate: pem('CERTIFICATE') },
      'certificate must have an RSA key.',
    ],
    [
      'an RSA key of another length',
      { privateKey, certificate: withKeyAfter(0x30, 0x81) },
      'certificate must have an RSA key.',
    ],
    [
      'an RSA key in something else than a sequence',
      { privateKey, certificate: withKeyAfter(0x31, 0x82) },
      'certificate must have an RSA key.',
    ],
    [
      'another digest',
      { privateKey, certificate, thumbprint: 'md5' },
      "thumbprint must be 'sha1' or 'sha256'; it is \"md5\".",
    ],
    [
      'a passphrase',
      { privateKey, certificate, passphrase: 'secret' },
      'There is no option passphrase, only privateKey, certificate, thumbprint.',
    ],
  ])('%s', (_, options, message) => {
    expect(() => clientCertificate(options as never)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message }),
    )
  })

  test('by the first request: a key that is not RSA, or not the one of the certificate', async () => {
    const other = clientCertificate({ privateKey: elliptic.privateKey, certificate })
    expect(await refused(request(other, {}))).toBe(
      'invalid_option: privateKey must be a private key for PS256.',
    )
    const algorithm = {
      name: 'RSA-PSS',
      hash: 'SHA-256',
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
    }
    const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
    const foreign = clientCertificate({ privateKey: pair.privateKey, certificate })
    expect(await refused(request(foreign, {}))).toBe(
      'invalid_option: privateKey must be the key of certificate; it is another one.',
    )
  })
})
