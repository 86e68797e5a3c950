import { describe, expect, test } from 'vitest'
import type { SignedInSession } from '../../src/index.ts'
import type { FaultOptions } from '../../src/testing/index.ts'
import { refreshes } from '../support/refreshes.ts'
import { createWorld, rejection, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

const plain = { scope: 'offline_access' }

/** Ada comes back from a server that gives an ID token although the app did not ask for one. */
async function backWithUnaskedIdToken(): Promise<{ world: World; callback: string }> {
  const world = createWorld({ client: plain })
  const url = await world.leave(world.tab, world.client())
  url.searchParams.set('scope', 'openid offline_access')
  return { world, callback: await world.server.authorize(url, { jar: world.jar }) }
}

describe('without openid', () => {
  test('a sign-in asks for tokens and for nothing else', async () => {
    const world = createWorld({ client: plain })
    const callback = await world.depart()
    const before = world.server.requests.length
    const auth = world.load(world.tab, callback)
    expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
    expect(auth.getSession()).not.toHaveProperty('claims')
    expect(world.server.requests.slice(before).map(({ path }) => path)).toEqual(['/token'])
  })

  test('max_age is for the server to see to: no ID token could tell', async () => {
    const world = createWorld({ client: plain })
    const { result } = await world.comeBack(world.tab, { params: { maxAge: 60 } })
    expect(result.kind).toBe('signed-in')
  })

  test('an ID token that comes all the same is checked and counts', async () => {
    const { world, callback } = await backWithUnaskedIdToken()
    const auth = world.load(world.tab, callback)
    await auth.start()
    expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(world.server.requestsTo('/jwks')).toHaveLength(1)
  })

  test.each(['id-token-nonce-wrong', 'id-token-bad-signature', 'id-token-at-hash-wrong'] as const)(
    'nor is one believed with %s (C-60, C-56)',
    async (fault) => {
      const { world, callback } = await backWithUnaskedIdToken()
      world.server.fault(fault)
      const auth = world.load(world.tab, callback)
      expect(await rejection(auth.start())).toMatchObject({ code: 'id_token_invalid' })
      expect(world.storedSession()).toBeUndefined()
    },
  )

  test('what a refresh says about somebody is not for a session without a person', async () => {
    const world = await signedInTab({ client: plain })
    world.server.fault('token-members', { set: { id_token: 'e30.e30.e30' }, on: 'refresh' })
    expect(await world.auth.refresh()).not.toHaveProperty('claims')
  })
})

test('a server that publishes no keys signs nobody in, and nothing is asked of nowhere (C-56)', async () => {
  const world = createWorld()
  world.server.fault('metadata', { patch: { jwks_uri: undefined } })
  const asked: unknown[] = []
  const fetch: typeof globalThis.fetch = (input, init) => {
    asked.push(input)
    return world.server.fetch(input, init)
  }
  const callback = await world.depart()
  const error = await rejection(world.load(world.tab, callback, { fetch }).start())
  expect(error).toMatchObject({ code: 'id_token_invalid' })
  expect(asked).toEqual(['https://login.example.com/token'])
})

describe('how long the access token lives (A-56)', () => {
  /** Milliseconds, as the session has it. */
  const lifeWith = async (expires: FaultOptions['expires-in']) => {
    const world = createWorld()
    world.server.fault('expires-in', expires)
    const { result } = await world.comeBack()
    const { expiresAt } = result.session as SignedInSession
    return expiresAt === undefined ? undefined : expiresAt - world.clock.now()
  }

  test.each<[unknown, number]>([
    ['900', 900_000],
    [0.5, 500],
    [31_536_000, 31_536_000_000],
    [31_536_001, 31_536_000_000],
    ['999999999999999', 31_536_000_000],
  ])('%j is %d ms', async (value, life) => {
    expect(await lifeWith({ value })).toBe(life)
  })

  test.each([
    0,
    -1,
    '0',
    '',
    '0x384',
    '1e3',
    ' 900',
    '900 ',
    '9'.repeat(16),
    'x',
    true,
    [900],
    { valueOf: 9 },
  ])('%j says nothing', async (value) => {
    expect(await lifeWith({ value })).toBeUndefined()
  })
})

test('the code goes with the redirect URI and the resource it was asked for (C-17, C-37)', async () => {
  const resource = ['https://files.example.com/']
  const world = createWorld({ server: { resources: resource } })
  await world.signIn(world.tab, { params: { resource } })
  const [request] = world.server.requestsTo('/token')
  const form = new URLSearchParams(request!.body)
  expect(form.getAll('resource')).toEqual(resource)
  expect(form.getAll('redirect_uri')).toEqual(['https://app.example.com/callback'])
  expect(form.getAll('client_id')).toEqual(['production-app'])
})

test('tokens that are to live for ever live for a year (A-56)', async () => {
  const world = await signedInTab()
  world.server.fault('expires-in', { raw: '1e999', on: 'refresh' })
  const session = await world.auth.refresh()
  expect(session.expiresAt).toBe(world.clock.now() + 31_536_000_000)
  expect(refreshes(world)).toHaveLength(1)
})

describe('an access token that fits no header (A-40)', () => {
  const rows = [
    ['a line break', 'secret\nsecret'],
    ['a letter that is not ASCII', 'secret\u{e9}'],
    ['a letter that is in no header', 'secret\u{1f511}'],
  ]

  test.each(rows)('with %s signs nobody in, and is in no error', async (_, access_token) => {
    const world = createWorld({ client: plain })
    world.server.fault('token-members', { set: { access_token } })
    const error = (await rejection(world.comeBack())) as Error
    expect(error).toMatchObject({ code: 'token_response_invalid' })
    expect(error.message).not.toContain('secret')
    expect(world.storedSession()).toBeUndefined()
  })

  test('or that is no Bearer token signs nobody in (F28)', async () => {
    const world = createWorld({ client: plain })
    world.server.fault('token-type', { value: 'mac' })
    expect(await rejection(world.comeBack())).toMatchObject({ code: 'token_response_invalid' })
  })

  test.each(rows)('with %s is not used after a refresh either', async (_, access_token) => {
    const world = await signedInTab()
    world.server.fault('token-members', { set: { access_token }, on: 'refresh', times: 1 })
    expect(await rejection(world.auth.refresh())).toMatchObject({ code: 'token_response_invalid' })
    expect((await world.auth.fetch(`${world.server.api.url}users/me`)).status).toBe(200)
    expect(JSON.stringify(world.storedSession())).not.toContain('secret')
  })
})
