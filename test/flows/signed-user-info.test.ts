import { describe, expect, test } from 'vitest'
import { rejection, signedInTab } from '../support/world.ts'

const signed = { server: { userInfoAlg: 'ES256' as const } }

describe('userinfo as a signed JWT (application/jwt)', () => {
  test('gives the claims once the signature is verified (E3)', async () => {
    const { auth, server } = await signedInTab(signed)
    expect(await auth.getUserInfo()).toMatchObject({ sub: 'user-ada', name: 'Ada Lovelace' })
    expect(server.requestsTo('/userinfo')).toHaveLength(1)
  })

  test('is verified with a list for ID tokens where the server has none for userinfo (E3)', async () => {
    const { auth, server } = await signedInTab(signed)
    const userinfo_signing_alg_values_supported = null
    const id_token_signing_alg_values_supported = ['RS256', 'ES256']
    const patch = { userinfo_signing_alg_values_supported, id_token_signing_alg_values_supported }
    server.fault('metadata', { patch: patch })
    expect(await auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
  })

  test.each(['none', 'broken', 'foreign-key', 'other-key', 'public-key-as-secret'] as const)(
    'sealed %s is refused, and the session lives on (E3)',
    async (seal) => {
      const { auth, server } = await signedInTab(signed)
      server.fault('user-info-jwt', { seal })
      const error = await rejection(auth.getUserInfo())
      expect(error).toMatchObject({ code: 'server_error', sessionEnded: false })
      expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    },
  )

  test.each([
    ['HS256 and none', ['HS256', 'none'], 'public-key-as-secret'],
    ['none alone', ['none'], 'none'],
  ] as const)('a server that lists %s does not make it good enough (E3)', async (_, algs, seal) => {
    const { auth, server } = await signedInTab(signed)
    server.fault('metadata', { patch: { userinfo_signing_alg_values_supported: algs } })
    server.fault('user-info-jwt', { seal })
    expect(await rejection(auth.getUserInfo())).toMatchObject({ code: 'server_error' })
  })

  test('that is encrypted is refused, and the error says what to do (E3)', async () => {
    const { auth, server } = await signedInTab(signed)
    server.fault('user-info-jwt', { seal: 'encrypted' })
    const error = await rejection(auth.getUserInfo())
    expect(error).toMatchObject({ code: 'server_error' })
    expect((error as Error).message).toMatch(/encrypted.*have the server sign it/)
  })

  test.each([
    ['another audience', { aud: 'another-app' }],
    ['another issuer', { iss: 'https://other.example.com' }],
    ['another user', { sub: 'user-mallory' }],
    ['no user', { sub: '' }],
  ])('for %s is refused (E3)', async (_, set) => {
    const { auth, server } = await signedInTab(signed)
    server.fault('user-info-claims', { set })
    expect(await rejection(auth.getUserInfo())).toMatchObject({ code: 'server_error' })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
  })

  test.each([2, 48])(
    'is judged by the server’s clock: a machine %d hours slow does not refuse it (E3)',
    async (hours) => {
      const { auth, server, clock } = await signedInTab(signed)
      clock.jump(-hours * 3_600_000)
      const now = Math.floor(clock.now() / 1000) + hours * 3600
      server.fault('user-info-claims', { set: { iat: now, exp: now + 60, nbf: now } })
      expect(await auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
    },
  )
})
