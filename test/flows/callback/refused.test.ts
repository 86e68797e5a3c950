import { describe, expect, test } from 'vitest'
import { OAuthServerError } from '../../../src/index.ts'
import { expectRefusal } from '../../support/refusal.ts'
import { callbackUri, createWorld } from '../../support/world.ts'

describe('a malformed response is refused, and its code is not sent', () => {
  const our = { code: 'callback_invalid' } as const

  test.each([
    ['two codes (C-25, A-14)', 'callback-code-duplicate'],
    ['two states (C-25, A-14)', 'callback-state-duplicate'],
    ['two issuers (C-22, C-25)', 'callback-iss-duplicate'],
    ['two errors (C-25)', 'callback-error-duplicate'],
    ['an empty code (A-15)', 'callback-code-empty'],
    ['a code in the fragment (A-16)', 'callback-code-in-fragment'],
    ['an access token (A-16)', 'callback-access-token'],
    ['an ID token (A-16)', 'callback-id-token'],
  ] as const)('%s', async (_, fault) => {
    await expectRefusal({ ...our, given: ({ server }) => server.fault(fault) })
  })

  test.each([
    ['two descriptions (C-25)', 'error=a&error_description=b&error_description=c'],
    ['an empty error (A-15)', 'error='],
    ['an implicit answer (A-17)', '#access_token=x&token_type=bearer'],
    ['a hybrid answer (A-17)', 'code=x#id_token=y'],
    ['a refresh token (A-16)', 'code=x&refresh_token=y'],
    ['an answer for another response mode', 'code=x&response=y'],
  ])('%s', async (_, parameters) => {
    await expectRefusal({
      ...our,
      arrives: ({ searchParams }) => {
        const [query, fragment = ''] = parameters.split('#')
        const state = searchParams.get('state')!
        const iss = `iss=${encodeURIComponent('https://login.example.com')}`
        return `${callbackUri}?${query}&state=${state}&${iss}#${fragment}`
      },
    })
  })
})

describe('a response of another server is refused, whatever it says', () => {
  const our = { code: 'issuer_mismatch' } as const

  test.each([
    ['another issuer (C-22)', 'callback-iss-wrong', {}],
    ['no issuer, though the server says it sends one (C-22)', 'callback-iss-missing', {}],
    ['an empty issuer (C-22)', 'callback-iss-empty', {}],
    ['a slash more (C-22)', 'callback-iss-wrong', { iss: 'https://login.example.com/' }],
    ['other letter case (C-22)', 'callback-iss-wrong', { iss: 'https://LOGIN.example.com' }],
    ['a default port (C-22)', 'callback-iss-wrong', { iss: 'https://login.example.com:443' }],
    ['encoded twice (C-22)', 'callback-iss-wrong', { iss: 'https%3A%2F%2Flogin.example.com' }],
  ] as const)('%s', async (_, fault, options) => {
    await expectRefusal({ ...our, given: ({ server }) => server.fault(fault, options) })
  })

  test.each(['callback-iss-wrong', 'callback-iss-missing'] as const)(
    'an error with %s (C-23)',
    async (fault) => {
      const { error } = await expectRefusal({
        ...our,
        given: ({ server }) => {
          server.fault('callback-error', { error: 'access_denied' })
          server.fault(fault)
        },
      })
      expect(error.cause).not.toBeInstanceOf(OAuthServerError)
    },
  )

  test('a server that does not say it sends the issuer may leave it out (C-22)', async () => {
    const world = createWorld()
    world.server.fault('metadata', {
      patch: { authorization_response_iss_parameter_supported: undefined },
    })
    world.server.fault('callback-iss-missing')
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('but if it sends one, it must be its own (C-22)', async () => {
    const patch = { authorization_response_iss_parameter_supported: undefined }
    await expectRefusal({
      ...our,
      given: ({ server }) => {
        server.fault('metadata', { patch })
        server.fault('callback-iss-wrong')
      },
    })
  })
})
