import { checkOptions, checkValue, fail, text } from '../check-options.ts'
import { secretInBody, secretInHeader, signedAssertion } from '../protocol/client-authentication.ts'
import { entraAudience, readCertificate } from './certificate.ts'
import { readPrivateKey } from './private-key.ts'
import type {
  AssertionSigner,
  ClientAuthenticationMethod,
} from '../protocol/client-authentication.ts'
import type { Rule } from '../check-options.ts'
import type { PrivateKey } from './private-key.ts'

/**
 * A confidential client with a secret, sent by HTTP Basic (`client_secret_basic`, RFC 6749 §2.3.1). Throws `invalid_option`.
 */
export function clientSecret(secret: string): ClientAuthenticationMethod {
  checkSecret('clientSecret', secret)
  return secretInHeader(secret)
}

/**
 * A confidential client with a secret, sent in the body (`client_secret_post`, RFC 6749 §2.3.1), for servers that do not take
 * {@link clientSecret}. Throws `invalid_option`.
 */
export function clientSecretPost(secret: string): ClientAuthenticationMethod {
  checkSecret('clientSecretPost', secret)
  return secretInBody(secret)
}

/** Options of {@link privateKeyJwt}. */
export interface PrivateKeyJwtOptions {
  /**
   * PEM text (PKCS #8), a JWK, or a CryptoKey that may sign. RSA keys sign with RS256, unless `alg` of the JWK or the CryptoKey
   * is another.
   */
  key: PrivateKey
  /** The key's name at the server; `kid` of the JWK when left out. */
  kid?: string | undefined
}

/**
 * A confidential client with a key pair (`private_key_jwt`, RFC 7523 §2.2): each request has a JWT of its own, good for a minute
 * and for the issuer alone. Throws `invalid_option`; requests do so for a key that cannot be imported.
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): ClientAuthenticationMethod {
  const { key, kid = kidOf(key) } = checkOptions<PrivateKeyJwtOptions, PrivateKeyJwtOptions>(
    options,
    { key: anything, kid: text },
  )
  const imported = readPrivateKey(key, { option: 'key', algorithms: assertionAlgorithms })
  return signedAssertion(async () => ({ key: await imported(), header: kid ? { kid } : {} }))
}

const anything: Rule = [() => true, '']

const assertionAlgorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'Ed25519'] as const

function kidOf(key: PrivateKey): string | undefined {
  const { kid } = Object(key) as { kid?: unknown }
  return typeof kid === 'string' ? kid : undefined
}

/** Options of {@link clientCertificate}. */
export interface ClientCertificateOptions {
  /** The certificate's RSA key: PEM text (PKCS #8), a JWK, or a CryptoKey that may sign. */
  privateKey: PrivateKey
  /** The certificate as PEM text, whose public part is registered at the server. The first one of a chain counts. */
  certificate: string
  /**
   * `'sha1'` names the certificate by `x5t` and signs with RS256, for servers that do not know `x5t#S256` with PS256, which are
   * used when left out.
   */
  thumbprint?: 'sha1' | 'sha256' | undefined
}

/**
 * A confidential client with a certificate, as Microsoft Entra wants it: as {@link privateKeyJwt}, with the certificate's
 * thumbprint in the header, and for Entra's token endpoint if the issuer is Entra. Throws `invalid_option`; requests do so for
 * a key that cannot be imported or is another certificate's, and for an issuer at Entra whose token endpoint is elsewhere.
 */
export function clientCertificate(options: ClientCertificateOptions): ClientAuthenticationMethod {
  const { privateKey, certificate, thumbprint } = checkOptions<
    ClientCertificateOptions,
    ClientCertificateOptions
  >(options, {
    privateKey: anything,
    certificate: anything,
    thumbprint: [(value) => value === 'sha1' || value === 'sha256', "'sha1' or 'sha256'"],
  })
  const old = thumbprint === 'sha1'
  const read = readCertificate(certificate)
  const algorithms = [old ? 'RS256' : 'PS256'] as const
  const imported = readPrivateKey(privateKey, { option: 'privateKey', algorithms })
  let signer: Promise<AssertionSigner> | undefined
  const prepare = async () => {
    const key = await imported()
    await read.checkKey(key)
    const header = old
      ? { x5t: await read.thumbprint('SHA-1') }
      : { 'x5t#S256': await read.thumbprint('SHA-256') }
    return { key, header, audience: entraAudience }
  }
  return signedAssertion(() => (signer ??= prepare()))
}

/** The value is in no message. */
function checkSecret(option: string, secret: unknown): void {
  if (typeof secret !== 'string') fail(option, 'a non-empty string', typeof secret)
  checkValue(option, { value: secret, rule: text })
}
