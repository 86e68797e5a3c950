import { describe, expect, test } from 'vitest'
import { api, echo, settledTab } from '../../support/api-calls.ts'
import { failure, refreshes, usersMe } from '../../support/refreshes.ts'
import { rejection } from '../../support/world.ts'

/** A call of such a tab that the API refuses with 401, which is held back. */
async function lateRefusal() {
  const world = await settledTab()
  world.server.expireAccessTokens()
  const held = world.server.hold('/users/me')
  const call = world.auth.fetch(usersMe)
  await world.until(() => held.count)
  return { world, held, call }
}

describe('401', () => {
  const form = () => {
    const data = new FormData()
    data.set('title', 'A difference engine')
    data.set('file', new Blob(['brass'], { type: 'text/plain' }), 'parts.txt')
    return data
  }
  const bodies: [string, () => BodyInit, (body: string) => void][] = [
    ['a string', () => '{"title":"ä"}', (body) => expect(body).toBe('{"title":"ä"}')],
    [
      'a Blob',
      () => new Blob(['brass'], { type: 'text/plain' }),
      (body) => expect(body).toBe('brass'),
    ],
    [
      'URLSearchParams',
      () => new URLSearchParams({ a: '1', b: 'ä' }),
      (body) => expect(body).toBe('a=1&b=%C3%A4'),
    ],
    [
      'FormData',
      form,
      (body) => expect(body).toMatch(/A difference engine[^]*parts\.txt[^]*brass/),
    ],
    ['bytes', () => new TextEncoder().encode('brass'), (body) => expect(body).toBe('brass')],
  ]
  const writes = { params: { scope: 'openid offline_access orders:write' } }

  test.each(bodies)('%s as body arrives whole, after one refresh', async (_, body, check) => {
    const world = await settledTab(writes)
    world.server.expireAccessTokens()
    const answer = await world.auth.fetch(`${api}/orders`, { method: 'POST', body: body() })
    expect(answer.status).toBe(201)
    check(await answer.text())
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.requestsTo('/orders')).toHaveLength(2)
  })

  test.each(bodies)('%s as body of a Request arrives whole as well', async (_, body, check) => {
    const world = await settledTab(writes)
    world.server.expireAccessTokens()
    const request = new Request(`${api}/orders`, { method: 'POST', body: body() })
    const answer = await world.auth.fetch(request)
    expect(answer.status).toBe(201)
    check(await answer.text())
  })

  test('a Request with a stream arrives whole, because it is copied before it is sent', async () => {
    const world = await settledTab(writes)
    world.server.expireAccessTokens()
    const body = new Blob(['brass']).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    const answer = await world.auth.fetch(new Request(`${api}/orders`, init))
    expect(await answer.text()).toBe('brass')
  })

  const oneShots: [string, () => unknown][] = [
    ['a stream', () => new Blob(['brass']).stream()],
    [
      'an async generator',
      async function* () {
        yield new TextEncoder().encode('brass')
      },
    ],
  ]
  test.each(oneShots)(
    '%s in init is sent once, and the 401 returned unread (A-46)',
    async (_, body) => {
      const world = await settledTab(writes)
      world.server.expireAccessTokens()
      const given = typeof body === 'function' ? body() : body
      const init = { method: 'POST', body: given, duplex: 'half' } as RequestInit
      const answer = await world.auth.fetch(`${api}/orders`, init)
      expect(answer.status).toBe(401)
      expect(await answer.json()).toMatchObject({ error: 'invalid_token' })
      expect(world.server.requestsTo('/orders')).toHaveLength(1)
    },
  )

  test('an API that answers 401 for ever gets one refresh and one retry, and the caller its 401 (A-42)', async () => {
    const world = await settledTab()
    world.server.fault('api-401', {})
    const answer = await world.auth.fetch(usersMe)
    expect(answer.status).toBe(401)
    expect(world.server.requestsTo('/users/me')).toHaveLength(2)
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
  })

  const challenges: [string, string | string[] | false, number][] = [
    ['no challenge at all', false, 1],
    ['an empty one', '', 1],
    [
      'invalid_token, though the token has not expired (C-45, C-83)',
      'Bearer error="invalid_token"',
      1,
    ],
    ['another scheme', 'Basic realm="api"', 1],
    ['bearer in lower case', 'bearer error=invalid_token', 1],
    ['insufficient_scope (C-84)', 'Bearer error="insufficient_scope", scope="admin"', 0],
    [
      'insufficient_user_authentication',
      'Bearer error="insufficient_user_authentication", acr_values="mfa"',
      0,
    ],
    [
      'among several in one field (C-85)',
      'Basic realm="a, b", Bearer realm="x", error="insufficient_scope"',
      0,
    ],
    ['in several fields (C-85)', ['Basic realm="a"', 'Bearer error="insufficient_scope"'], 0],
    ['unbalanced quotes (A-74)', 'Bearer error="invalid_token, realm=x', 1],
    ['100 kB (A-74)', `Bearer realm="${'a'.repeat(100_000)}", error="insufficient_scope"`, 1],
    ['a string for slow parsers (A-74)', `Bearer ${'a="b",'.repeat(1300)}`, 1],
    ['commas (A-74)', ','.repeat(8000), 1],
  ]
  test.each(challenges)('%s (A-45)', async (_, challenge, expected) => {
    const world = await settledTab()
    world.server.fault('api-401', { challenge, times: 1 })
    const answer = await world.auth.fetch(usersMe)
    expect(answer.status).toBe(expected ? 200 : 401)
    expect(refreshes(world)).toHaveLength(expected)
    expect(world.server.requestsTo('/users/me')).toHaveLength(expected + 1)
  })

  test('403 insufficient_scope is returned as it is (C-84)', async () => {
    const world = await settledTab()
    const answer = await world.auth.fetch(`${api}/orders`)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toContain('scope="orders:read"')
    expect(refreshes(world)).toEqual([])
  })

  test('a request that the network lost is not sent again (A-47)', async () => {
    const world = await settledTab()
    world.server.fault('network-error', { path: '/echo' })
    expect(await rejection(world.auth.fetch(echo, { method: 'POST', body: 'x' }))).toBeInstanceOf(
      TypeError,
    )
    expect(world.server.requestsTo('/echo')).toHaveLength(1)
  })

  test('a refresh that fails for a transient reason rejects the call and keeps the session', async () => {
    const world = await settledTab()
    world.server.expireAccessTokens()
    world.server.fault('network-error', { path: '/token' })
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({
      code: 'network',
      retryable: true,
    })
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in', stale: true })
  })

  test('a session that ended meanwhile: the 401 is returned', async () => {
    const { world, held, call } = await lateRefusal()
    await world.auth.signOut({ redirect: false })
    held.release()
    expect((await call).status).toBe(401)
    expect(refreshes(world)).toEqual([])
  })

  test("a late 401 is not sent again in another person's name", async () => {
    const { world, held, call } = await lateRefusal()
    await world.server.signInTo(world.auth, 'grace')
    held.release()
    expect((await call).status).toBe(401)
    expect(world.server.requestsTo('/users/me')).toHaveLength(1)
  })

  test('a call that waits while the same person signs in anew is sent with the new token', async () => {
    const { world, held, call } = await lateRefusal()
    await world.server.signInTo(world.auth, 'ada')
    held.release()
    expect((await call).status).toBe(200)
  })
})
