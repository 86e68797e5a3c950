import { describe, expect, test } from 'vitest'
import { endSessionUrl } from '../../src/protocol/sign-out.ts'
import type { ServerMetadata } from '../../src/protocol/server.ts'

const server: ServerMetadata = {
  issuer: 'https://login.example.com',
  authorization_endpoint: 'https://login.example.com/authorize',
  token_endpoint: 'https://login.example.com/token',
  end_session_endpoint: 'https://login.example.com/out?tenant=1&client_id=theirs',
}

describe('C-103: the end-session request', () => {
  test('keeps the query of the endpoint, and says nothing twice', () => {
    const url = endSessionUrl(server, { client_id: 'my spa', state: 'a&b=c' })
    expect(url?.href).toBe(
      'https://login.example.com/out?tenant=1&client_id=my+spa&state=a%26b%3Dc',
    )
  })

  test('leaves out what there is not', () => {
    const url = endSessionUrl(server, { id_token_hint: undefined, client_id: 'my-spa' })
    expect([...url!.searchParams.keys()]).toEqual(['tenant', 'client_id'])
  })

  test('is not made for a server that has no such endpoint', () => {
    const { end_session_endpoint: _, ...without } = server
    expect(endSessionUrl(without, {})).toBeUndefined()
  })
})
