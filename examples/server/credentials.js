import { execFileSync } from 'node:child_process'
import { createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @typedef {{ secret?: string, certificate?: string, privateKey?: string }} Credentials */

/**
 * What the app proves with who it is, and what the authorization server must know of it. Yours are made once and kept in your
 * secret store; these are new at each start.
 * @param {string} client
 * @returns {{ credentials: Credentials, registration: { clientSecret?: string, publicKey?: object } }}
 */
export function createCredentials(client) {
  if (client === 'secret') {
    const secret = randomBytes(32).toString('base64url')
    return { credentials: { secret }, registration: { clientSecret: secret } }
  }
  if (client === 'certificate') {
    const credentials = makeCertificate()
    const publicKey = createPublicKey(credentials.certificate).export({ format: 'jwk' })
    return { credentials, registration: { publicKey } }
  }
  return { credentials: {}, registration: {} }
}

/** A certificate that is signed by itself, as you would upload it to Microsoft Entra. */
function makeCertificate() {
  const folder = mkdtempSync(join(tmpdir(), 'server-example-'))
  try {
    const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(folder, name))
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30']
    const files = ['-subj', '/CN=server-example', '-keyout', key, '-out', certificate]
    execFileSync('openssl', [...request, ...files], { stdio: 'ignore' })
    return {
      certificate: readFileSync(certificate, 'utf8'),
      privateKey: readFileSync(key, 'utf8'),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
