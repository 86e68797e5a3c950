import { checkValue, fail, text } from '../check-options.ts'
import { secretInBody, secretInHeader } from '../protocol/client-authentication.ts'
import type { ClientAuthenticationMethod } from '../protocol/client-authentication.ts'

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

/** The value is in no message. */
function checkSecret(option: string, secret: unknown): void {
  if (typeof secret !== 'string') fail(option, 'a non-empty string', typeof secret)
  checkValue(option, { value: secret, rule: text })
}
