import { describe, expect, test } from 'vitest'
import { withParameters } from '../../src/protocol/authorization.ts'

const endpoint = 'https://login.example.com/out?tenant=1&client_id=theirs'

describe('the end-session request (C-103)', () => {
  test('keeps the query of the endpoint, and says nothing twice', () => {
    const url = withParameters(endpoint, [
      ['client_id', 'my spa'],
      ['state', 'a&b=c'],
    ])
    expect(url.href).toBe('https://login.example.com/out?tenant=1&client_id=my+spa&state=a%26b%3Dc')
  })

  test('leaves out what there is not', () => {
    const url = withParameters(endpoint, [
      ['id_token_hint', undefined],
      ['client_id', 'my-spa'],
    ])
    expect([...url.searchParams.keys()]).toEqual(['tenant', 'client_id'])
  })
})
