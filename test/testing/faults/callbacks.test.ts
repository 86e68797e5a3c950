import { describe, expect, it } from 'vitest'
import type { FaultArguments, FaultName } from '../../../src/testing/index.ts'
import { authorizationUrl, exchange, obtainCode, strictServer } from '../support.ts'

type CallbackFault = Extract<FaultName, `callback-${string}`>
type Parameters = [name: string, value: string][]

const issuer = 'https://login.example.com'

/** What each fault leaves of the answer `code`, `state`, `iss`. */
const cases: {
  [Name in CallbackFault]: [FaultArguments<Name>[0], (good: Parameters) => Parameters]
} = {
  'callback-iss-missing': [{}, (good) => good.slice(0, 2)],
  'callback-iss-wrong': [{}, replaced('iss', 'https://attacker.example')],
  'callback-iss-empty': [{}, replaced('iss', '')],
  'callback-iss-duplicate': [{}, (good) => [...good, ['iss', issuer]]],
  'callback-state-missing': [{}, (good) => good.filter(([name]) => name !== 'state')],
  'callback-state-wrong': [{ state: 'other' }, replaced('state', 'other')],
  'callback-state-empty': [{}, replaced('state', '')],
  'callback-state-duplicate': [{ state: 'other' }, (good) => [...good, ['state', 'other']]],
  'callback-code-missing': [{}, (good) => good.slice(1)],
  'callback-code-empty': [{}, replaced('code', '')],
  'callback-code-wrong': [{}, replaced('code', 'a-code-of-somebody-else')],
  'callback-code-duplicate': [{ code: 'other' }, (good) => [...good, ['code', 'other']]],
  'callback-code-in-fragment': [{}, () => []],
  'callback-error-and-code': [{}, (good) => [...good, ['error', 'access_denied']]],
  'callback-error': [
    { error: 'temporarily_unavailable', description: 'later', uri: 'javascript:alert(1)' },
    (good) => [
      ...good.slice(1),
      ['error', 'temporarily_unavailable'],
      ['error_description', 'later'],
      ['error_uri', 'javascript:alert(1)'],
    ],
  ],
  'callback-error-duplicate': [
    {},
    (good) => [...good.slice(1), ['error', 'access_denied'], ['error', 'server_error']],
  ],
  'callback-access-token': [{}, (good) => [...good, ['access_token', 'a-token-of-somebody-else']]],
  'callback-id-token': [{}, (good) => [...good, ['id_token', 'eyJhbGciOiJub25lIn0.e30.']]],
  'callback-parameters': [
    { remove: ['state'], set: { iss: 'x' }, append: [['code', 'y']] },
    ([code]) => [code!, ['iss', 'x'], ['code', 'y']],
  ],
}

function replaced(name: string, value: string) {
  return (good: Parameters): Parameters =>
    good.map(([other, old]) => [other, other === name ? value : old])
}

describe('faults of the authorization response', () => {
  it.each(Object.keys(cases) as CallbackFault[])('%s', async (name) => {
    const server = strictServer()
    const [options, expected] = cases[name]
    const turnOn = server.fault as (name: string, options: unknown) => () => void
    const off = turnOn(name, options)
    const spoiled = new URL(await server.authorize(authorizationUrl(server)))
    off()
    const good = new URL(await server.authorize(authorizationUrl(server)))
    const actual = [...spoiled.searchParams]
    const wanted = expected([...good.searchParams])
    expect(withoutCode(actual)).toEqual(withoutCode(wanted))
  })

  it('callback-code-in-fragment moves the whole answer', async () => {
    const server = strictServer()
    server.fault('callback-code-in-fragment')
    const callback = new URL(await server.authorize(authorizationUrl(server)))
    const fragment = new URLSearchParams(callback.hash.slice(1))
    expect([...fragment.keys()]).toEqual(['code', 'state', 'iss'])
  })

  it('the code of a duplicated answer still works, so that refusing it is up to the client', async () => {
    const server = strictServer()
    server.fault('callback-code-duplicate')
    expect(await obtainCode(server)).toHaveLength(43)
  })

  it('ignore-pkce takes a request without challenge and any verifier', async () => {
    const server = strictServer()
    server.fault('ignore-pkce')
    const code = await obtainCode(server, { code_challenge: undefined })
    expect((await exchange(server, code, { code_verifier: 'any' })).status).toBe(200)
  })
})

/** Codes are random: only that there is one, and where, can be compared. */
function withoutCode(parameters: Parameters): Parameters {
  return parameters.map(([name, value]) =>
    name === 'code' && value.length === 43 ? [name, 'a code'] : [name, value],
  )
}
