import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import type { PkceClient } from '../../src/index.ts'
import { expiredTab, factsOf, failure, refreshes, usersMe } from '../support/refreshes.ts'
import { anotherTab, appOrigin, listen, signedInTab, usualSessionKey } from '../support/world.ts'
import type { World } from '../support/world.ts'

const key = usualSessionKey
const signedOut = { status: 'signed-out', reason: 'newer-version' }

type Stored = Record<string, unknown>

const withType = (record: Stored, type: string) => ({
  ...record,
  access: { default: { ...(record.access as { default: object }).default, type } },
})

const newer: [string, (record: Stored) => unknown][] = [
  ['version 2', (record) => ({ ...record, v: 2 })],
  ['version 2 with members of its own', (record) => ({ ...record, v: 2, gen: 9, device: 'x' })],
  ['version 2 in another shape', ({ refreshToken }) => ({ v: 2, tokens: [refreshToken] })],
  [
    'version 12 whose members have other types',
    (record) => ({ ...record, v: 12, sid: 7, gen: {} }),
  ],
  ['version 1 with a DPoP token', (record) => withType(record, 'dpop')],
  ['version 1 with a token of an unknown type', (record) => withType(record, 'toString')],
]

/** What a newer version of the app has stored, as it lies there. */
function plant({ browser, storedSession }: World, change: (record: Stored) => unknown): string {
  const text = JSON.stringify(change(storedSession()!))
  browser.local.set(key, text)
  return text
}

describe.each(newer)('a session stored by a newer version (%s)', (_, change) => {
  /** Everything an app may do without a decision of the person; nothing of it may touch the session. */
  async function everything(world: World, auth: PkceClient) {
    for (const call of [
      () => auth.fetch(usersMe),
      () => auth.refresh(),
      () => auth.getAccessToken(),
    ])
      expect(await failure(call())).toMatchObject({ sessionEnded: true })
    for (const tab of world.browser.tabs) tab.wake()
    await world.clock.advance(3_600_000)
  }

  test('is neither used nor overwritten by a page that finds it (F22)', async () => {
    const world = await signedInTab()
    const stored = plant(world, change)
    const auth = world.load(world.tab, `${appOrigin}/`)
    const before = world.server.requests.length
    expect((await auth.start()).session).toEqual(signedOut)
    await everything(world, auth)
    expect(auth.getSession()).toEqual(signedOut)
    expect(world.browser.local.get(key)).toBe(stored)
    expect(world.server.requests).toHaveLength(before)
  })

  test('is neither used nor overwritten by a tab that was signed in before (F22)', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const heard = listen(other.auth)
    const stored = plant(world, change)
    await everything(world, world.auth)
    await everything(world, other.auth)
    expect(other.auth.getSession()).toEqual(signedOut)
    expect(factsOf(heard, 'signed-out')).toEqual([{ session: signedOut }])
    expect(world.browser.local.get(key)).toBe(stored)
    expect(refreshes(world)).toHaveLength(0)
    expect(world.server.requestsTo('/revoke')).toHaveLength(0)
  })

  test('is not overwritten by a refresh that was on its way (F22)', async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    const call = failure(world.auth.fetch(usersMe))
    await world.until(() => held.count)
    const stored = plant(world, change)
    held.release()
    expect(await call).toMatchObject({ code: 'session_ended' })
    expect(world.browser.local.get(key)).toBe(stored)
  })

  test('is not overwritten by a sign-in that fails, and is replaced by one that is finished (F22)', async () => {
    const world = await signedInTab()
    const stored = plant(world, change)
    const auth = world.load(world.tab, `${appOrigin}/`)
    await auth.start()
    const { url } = await auth.createAuthorizationUrl()
    const refused = { path: '/token', status: 400, body: { error: 'invalid_grant' }, times: 1 }
    world.server.fault('respond', refused)
    await failure(auth.handleCallback(await world.server.authorize(url)))
    expect(world.browser.local.get(key)).toBe(stored)
    await world.server.signInTo(auth)
    expect((await auth.fetch(usersMe)).status).toBe(200)
    expect(world.storedSession()).toMatchObject({ v: 1, gen: 1 })
    expect(world.storedSession()).not.toHaveProperty('device')
    expect((await anotherTab(world)).auth.getSession()).toEqual(auth.getSession())
  })

  test('that is stored after a sign-in here is not overwritten either, whatever is done (F22)', async () => {
    const world = await signedInTab()
    plant(world, change)
    const auth = world.load(world.tab, `${appOrigin}/`)
    await world.server.signInTo(auth)
    const stored = plant(world, (record) => change({ ...record, sid: 'another' }))
    world.tab.wake()
    await world.clock.advance(900_000)
    await auth.fetch(usersMe).catch(() => undefined)
    expect(world.browser.local.get(key)).toBe(stored)
    expect(auth.getSession()).toEqual(signedOut)
    expect(refreshes(world)).toHaveLength(0)
  })

  test('is replaced by signOut(), which sends none of its tokens (F22)', async () => {
    const world = await signedInTab()
    plant(world, change)
    const auth = world.load(world.tab, `${appOrigin}/`)
    await auth.signOut({ redirect: false })
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(world.storedSession()).toMatchObject({ v: 1, signedOut: 'signed-out', access: {} })
    expect(world.storedSession()).not.toHaveProperty('device')
    expect(world.server.requestsTo('/revoke')).toHaveLength(0)
    expect((await anotherTab(world)).auth.getSession()).toEqual(auth.getSession())
  })

  test('signOut() that cannot be saved counts, and is saved later (F22)', async () => {
    const world = await signedInTab()
    const stored = plant(world, change)
    const auth = world.load(world.tab, `${appOrigin}/`)
    await auth.start()
    world.browser.failStorage('set')
    await auth.signOut({ redirect: false })
    expect(world.browser.local.get(key)).toBe(stored)
    world.browser.failStorage()
    world.tab.wake()
    await world.until(() => world.storedSession()?.signedOut === 'signed-out')
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })

  test('is not overwritten by a session that could not be saved before (F22)', async () => {
    const world = await signedInTab()
    const other = await anotherTab(world, { transactionStore: memoryStore() })
    world.browser.failStorage('set')
    await world.server.signInTo(other.auth, 'grace')
    world.browser.failStorage()
    const stored = plant(world, change)
    await world.clock.advance(900_000)
    await other.auth.fetch(usersMe).catch(() => undefined)
    other.tab.wake()
    await world.clock.settle()
    expect(world.browser.local.get(key)).toBe(stored)
  })
})

describe('members that this version does not know', () => {
  const unknown = { device: 'laptop', boundTo: { thumbprint: 'abc' } }

  async function withUnknownMembers() {
    const world = await signedInTab()
    plant(world, (record) => ({
      ...record,
      ...unknown,
      access: {
        ...(record.access as object),
        'https://other.example/': { token: 'other', type: 'bearer', obtainedAt: 0, for: 'x' },
      },
    }))
    return Object.assign(world, { next: world.load(world.tab, `${appOrigin}/`) })
  }

  test('are carried along on a refresh (F22)', async () => {
    const world = await withUnknownMembers()
    await world.next.refresh()
    expect(world.storedSession()).toMatchObject({
      ...{ v: 1, gen: 2, ...unknown },
      access: { 'https://other.example/': { token: 'other', for: 'x' } },
    })
    world.server.fault('try-later', { path: '/token' })
    await failure(world.next.refresh())
    expect(world.storedSession()).toMatchObject({ pending: { failures: 1 }, ...unknown })
  })

  test.each<[string, (world: World, auth: PkceClient) => Promise<unknown>]>([
    ['a sign-out', (_, auth) => auth.signOut({ redirect: false })],
    ['a new sign-in', ({ server }, auth) => server.signInTo(auth)],
  ])('are not carried into %s (F22)', async (_, how) => {
    const world = await withUnknownMembers()
    await how(world, world.next)
    const stored = JSON.stringify(world.storedSession())
    for (const word of ['laptop', 'thumbprint', 'other.example']) expect(stored).not.toContain(word)
  })
})
