import { describe, expect, test } from 'vitest'
import type { OAuthServerError } from '../../../src/index.ts'
import { expectRefusal } from '../../support/refusal.ts'
import { callbackUri } from '../../support/world.ts'

describe('the server answers with an error', () => {
  test('the user does not consent: access_denied, with returnTo', async () => {
    const clients = [{ clientId: 'production-app', redirectUris: [callbackUri] }]
    const { error } = await expectRefusal({
      server: { clients },
      person: { consent: false },
      params: { prompt: 'consent' },
      code: 'authorization_denied',
    })
    expect(error.cause).toMatchObject({ name: 'OAuthServerError', error: 'access_denied' })
  })

  test.each([
    'invalid_request',
    'unauthorized_client',
    'access_denied',
    'unsupported_response_type',
    'invalid_scope',
    'server_error',
    'temporarily_unavailable',
    'something_of_its_own',
  ])('with %s', async (name) => {
    const { error } = await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) => server.fault('callback-error', { error: name }),
    })
    expect(error.cause).toMatchObject({ error: name, description: undefined, status: undefined })
  })

  test.each([
    'login_required',
    'interaction_required',
    'account_selection_required',
    'consent_required',
  ])('to a silent attempt, with %s, and there is no second one (C-32)', async (name) => {
    const { error, tab } = await expectRefusal({
      code: 'login_required',
      params: { prompt: 'none' },
      given: ({ server }) => server.fault('callback-error', { error: name }),
    })
    expect(error.cause).toMatchObject({ name: 'OAuthServerError', error: name })
    expect(error.message).toContain(name)
    expect(tab.navigations).toHaveLength(2)
  })

  test('to a silent attempt of a user who is not signed in at the server (C-32)', async () => {
    const { error } = await expectRefusal({
      code: 'login_required',
      params: { prompt: 'none' },
    })
    expect(error.cause).toMatchObject({ error: 'login_required' })
  })

  test('to the challenge, and no weaker one is tried (C-03)', async () => {
    const { tab } = await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) => server.fault('callback-error', { error: 'invalid_request' }),
    })
    const methods = tab.navigations.map((url) => new URL(url).searchParams)
    expect(methods.map((query) => query.get('code_challenge_method'))).toEqual(['S256', 'S256'])
  })

  test('and sends a code as well, which is not used (A-15)', async () => {
    await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) => server.fault('callback-error-and-code'),
    })
  })

  test.each([
    ['HTML', '<img src=x onerror=alert(1)>'],
    ['line breaks', 'first\r\nSet-Cookie: x=y\u2028third'],
    ['terminal colours', '\u001b[31mred'],
    ['changes of the reading direction', 'user\u202egpj.exe'],
  ])(
    'with a description that has %s, which is kept as data and never part of the message (C-28, A-18)',
    async (_, description) => {
      const { error } = await expectRefusal({
        code: 'authorization_denied',
        given: ({ server }) => server.fault('callback-error', { description }),
      })
      expect(error.message).not.toContain(description)
      const said = (error.cause as OAuthServerError).description
      expect(said).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)
      expect(said?.replace(/\\u\{[0-9a-f]+\}/g, '')).toBe(
        description.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ''),
      )
    },
  )

  test('with a description of a million words, of which only the beginning is kept (C-28, A-18)', async () => {
    const { error } = await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) =>
        server.fault('callback-error', {
          error: 'x'.repeat(10_000),
          description: 'y'.repeat(2 ** 20),
        }),
    })
    expect((error.cause as OAuthServerError).error).toHaveLength(100)
    expect((error.cause as OAuthServerError).description).toHaveLength(500)
    expect(error.message.length).toBeLessThan(300)
  })

  test('with an error_uri, which is never opened (A-19)', async () => {
    const { error, tab } = await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) => server.fault('callback-error', { uri: 'javascript:alert(1)' }),
    })
    expect(JSON.stringify([error, error.cause])).not.toContain('javascript:')
    expect(tab.navigations).toHaveLength(2)
  })
})
