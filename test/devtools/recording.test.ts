import { describe, expect, test } from 'vitest'
import { createRecordedWorld, linesOf } from '../support/recorded-world.ts'

describe('a redirect sign-in', () => {
  test('is one diagram, with every message, value and check', async () => {
    const world = createRecordedWorld()
    await world.signIn()
    expect(linesOf(world.steps())).toEqual([
      'app -> client: sign in (redirect)',
      'client -> server: GET /.well-known/openid-configuration',
      'server -> client: 200',
      'note: makes verifier, challenge, state, nonce [code_verifier state nonce code_challenge]',
      'client => server: GET /authorize [response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method]',
      'user -> server: signs in at the server',
      'server => client: 302 /callback [code state iss] +++',
      'client -> server: GET /jwks',
      'client -> server: POST /token [redirect_uri code code_verifier grant_type client_id] +++',
      'server -> client: 200 1 key',
      'server -> client: 200 tokens [access_token token_type expires_in scope id_token refresh_token]',
      'note: ✓ ID token: 7 checks passed +++++++',
      'client -> app: session: signed-in',
    ])
  })
})
