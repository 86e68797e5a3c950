import { describe, expect, test } from 'vitest'
import { createAuthServer } from 'pkce-client/testing'
import { explainStep, explainValue, readStep } from '../../src/devtools/explain.ts'
import { valuesOf } from '../../src/devtools/requests.ts'
import { names } from '../../src/devtools/explain-names.ts'
import type { Purpose, StepValue, ValuePlace } from '../../src/devtools/steps.ts'
import {
  cut,
  hostileSteps,
  message,
  note,
  signInSteps,
  verdict,
} from '../support/devtools-steps.ts'

const explain = (name: string, place: ValuePlace = 'form', more: Partial<StepValue> = {}) =>
  explainValue({ name, place, ...more })

/** A token request with a DPoP proof that says this. */
function proofWith(payload: object) {
  const parts = [{ alg: 'ES256', typ: 'dpop+jwt' }, payload].map((part) =>
    btoa(JSON.stringify(part)),
  )
  const headers = new Headers({ dpop: [...parts, 'signature'].join('.') })
  const url = new URL('https://login.example.com/token')
  return { method: 'POST', url, headers, form: new URLSearchParams() }
}

const onTheWire: [what: string, place: ValuePlace, names: string][] = [
  [
    'an authorization request',
    'query',
    'response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method request_uri resource ' +
      'authorization_details prompt acr_values max_age login_hint ui_locales dpop_jkt',
  ],
  ['an authorization response', 'query', 'code state iss error error_description error_uri'],
  [
    'a token request',
    'form',
    'grant_type code code_verifier redirect_uri client_id refresh_token scope resource authorization_details',
  ],
  [
    'a token response',
    'body',
    'access_token token_type expires_in refresh_token id_token scope authorization_details error error_description',
  ],
  [
    'an ID token',
    'claim',
    'iss sub aud exp iat nonce at_hash auth_time amr acr azp sid name preferred_username email email_verified',
  ],
  ['a DPoP proof', 'claim', 'htm htu jti iat ath nonce jwk alg typ kid'],
  ['signing out', 'query', 'id_token_hint post_logout_redirect_uri logout_hint client_id state'],
  ['a revocation', 'form', 'token token_type_hint client_id'],
  [
    'a request to an API and its answer',
    'header',
    'Authorization scheme DPoP DPoP-Nonce WWW-Authenticate realm error error_description scope acr_values max_age ' +
      'algs resource_metadata Retry-After Content-Type',
  ],
  ['a session answer of a back end', 'body', 'status reason claims scope expiresIn stale csrf'],
]

describe('what a value is for', () => {
  test.each(onTheWire)('is said of everything in %s', (_, place, list) => {
    const unknown = list.split(' ').filter((name) => !explain(name, place))
    expect(unknown).toEqual([])
  })

  test('is said of everything that the reference server publishes', async () => {
    const issuer = 'https://login.example.com'
    const server = createAuthServer({ issuer })
    const answer = await server.fetch(`${issuer}/.well-known/openid-configuration`)
    const unknown = Object.keys((await answer.json()) as object).filter(
      (name) => !explain(name, 'body'),
    )
    expect(unknown).toEqual([])
  })

  test('is said in sentences, with a section that can be looked up', () => {
    const wrong = Object.entries(names).filter(
      ([, [text, rfc]]) =>
        !/^[A-Z].+\.$/.test(text) ||
        (rfc !== undefined && !/^[A-Z].* §[\d.]+$/.test(rfc) && rfc !== 'RFC 9207'),
    )
    expect(wrong).toEqual([])
  })

  test('is not said of what nobody knows, not even by accident', () => {
    for (const name of ['made_up', '', 'constructor', '__proto__', 'toString', 'claim:iss:'])
      expect(explain(name)).toBeUndefined()
  })

  test('depends on where the value is, and what it is', () => {
    expect(explain('iss', 'query')?.rfc).toBe('RFC 9207 §2')
    expect(explain('iss', 'claim')?.text).toMatch('Who signed')
    expect(explain('nonce', 'claim', { kind: 'nonce' })?.text).toMatch('ID token')
    expect(explain('nonce', 'claim')?.text).toMatch('next proof')
    const proof = valuesOf(proofWith({ nonce: 'n-1' }), 'token').find(
      ({ name }) => name === 'nonce',
    )
    expect(explainValue(proof!)?.text).toMatch('next proof')
    expect(explain('error', 'header')?.text).toMatch('API')
    expect(explain('authorization', 'header')).toEqual(explain('AUTHORIZATION', 'header'))
    expect(explain('AUTHORIZATION', 'query')).toBeUndefined()
  })
})

const purposes: Purpose[] = [
  ...([
    'sign-in',
    'discovery',
    'resource-metadata',
    'registration',
    'values',
    'pushed-request',
  ] as const),
  ...([
    'authorize',
    'person',
    'callback',
    'token',
    'refresh',
    'keys',
    'user-info',
    'revocation',
  ] as const),
  ...(['introspection', 'end-session', 'api', 'back-end', 'session', 'failure', 'app'] as const),
]

describe('why a step happens', () => {
  test.each(purposes)('is said in sentences: %s', (purpose) => {
    const one = { purpose, label: '', from: 'client', to: 'server' } as const
    const said = [
      explainStep(message(one)),
      explainStep(message({ ...one, answers: 'before' })),
      explainStep(message({ ...one, answers: 'before', refused: true })),
      explainStep(note({ purpose, label: '' })),
    ]
    for (const sentence of said) expect(sentence).toMatch(/^[A-Z].+[.?]$/)
    if (purpose !== 'failure') expect(said[2]).not.toBe(said[0])
  })

  test('is different for a request, its answer and a refusal', () => {
    const one = { purpose: 'token', label: '', from: 'client', to: 'server' } as const
    const said = [{}, { answers: 'before' }, { answers: 'before', refused: true }].map((more) =>
      explainStep(message({ ...one, ...more })),
    )
    expect(new Set(said).size).toBe(3)
    expect(said[0]).toMatch('secret')
  })

  test('a request without a token does not claim to have one', () => {
    const one = { purpose: 'api', label: '', from: 'client', to: 'api' } as const
    const token: StepValue = { name: 'Authorization', text: 'x', place: 'header', kind: 'access' }
    expect(explainStep(message(one))).toMatch('No token')
    expect(explainStep(message({ ...one, values: [token] }))).toMatch('token is attached')
  })

  test('of a purpose that only a newer version knows is no mistake', () => {
    const purpose = 'constructor' as Purpose
    expect(explainStep(message({ purpose, label: '', from: 'app', to: 'app' }))).toMatch('app')
  })
})

describe('a step as a sentence', () => {
  test('says who asks whom for what', () => {
    const read = signInSteps().flatMap((step, index) => readStep(step, index + 1))
    expect(read[0]).toBe('Step 1, the user tells the app: clicks “Sign in”')
    expect(read[3]).toBe('Step 4, the authorization server answers pkce-client: 200 metadata')
    expect(read[4]).toBe('Step 5, pkce-client notes: makes verifier, challenge, state, nonce')
    expect(read[5]).toBe(
      'Step 6, the browser goes from pkce-client to the authorization server: GET /authorize',
    )
    expect(read[8]).toBe('Step 9, pkce-client asks the authorization server: POST /token')
    expect(read[13]).toBe('Step 14, pkce-client tells the app: session: signed-in')
  })

  test('says that something was refused, in words', () => {
    const one = { purpose: 'api', from: 'api', to: 'client', label: '401', refused: true } as const
    expect(readStep(message({ ...one, answers: 'it' }), 3)).toBe(
      'Step 3, the API refuses pkce-client: 401',
    )
    expect(readStep(verdict('The app saw 401.', false))).toBe('Not as expected: The app saw 401.')
    expect(readStep(verdict('The app saw 200.', true))).toBe('The app saw 200.')
    expect(readStep(cut('You pressed “Offline”'))).toBe('You pressed “Offline”')
  })

  test('has the words of a server in it as they are', () => {
    expect(readStep(hostileSteps()[0]!, 1)).toMatch('<img src=x')
  })
})
