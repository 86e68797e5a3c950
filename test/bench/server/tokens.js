// One RS256 token, verified.
import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import { createTokenVerifier } from 'pkce-client/server'
import { median, table } from './world.js'

const [issuer, audience] = ['https://login.example.com', 'https://api.example.com/']
const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' }] }
const token = await new SignJWT({ scope: 'orders:read', name: 'Ada Lovelace', roles: ['a', 'b'] })
  .setProtectedHeader({ alg: 'RS256', kid: 'key-1', typ: 'at+jwt' })
  .setIssuer(issuer)
  .setAudience(audience)
  .setSubject('ada')
  .setIssuedAt()
  .setExpirationTime('1h')
  .sign(privateKey)

const headers = { authorization: `Bearer ${token}` }
const request = new Request('https://api.example.com/orders', { headers })
const keys = createLocalJWKSet(jwks)
const fetch = async () => Response.json(jwks)
const metadata = { jwks_uri: `${issuer}/jwks` }
const { verify } = createTokenVerifier({ issuer, audience, metadata, fetch })

const tasks = {
  createTokenVerifier: () => verify(request),
  'jose, jwtVerify': () => {
    const bearer = request.headers.get('authorization').slice(7)
    return jwtVerify(bearer, keys, { issuer, audience, requiredClaims: ['exp'] })
  },
}
const count = 3000
async function measure(task) {
  const cpu = process.cpuUsage()
  for (let i = 0; i < count; i++) await task()
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / count
}
const times = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]))
for (const task of Object.values(tasks)) await measure(task)
for (let round = 0; round < 9; round++)
  for (const [name, task] of Object.entries(tasks)) times[name].push(await measure(task))
const [ours, theirs] = Object.values(times).map(median)
table('One RS256 access token verified, CPU', [
  ['createTokenVerifier', `${ours.toFixed(0)} us`],
  ['jose, jwtVerify', `${theirs.toFixed(0)} us`],
  ['ratio', (ours / theirs).toFixed(2), 'of 1.2'],
])
process.exit(0)
