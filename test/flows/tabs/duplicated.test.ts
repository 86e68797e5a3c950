import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../../src/index.ts'
import type { FakeTab } from '../../../src/testing/index.ts'
import { failure, refreshes, sentTokens, usersMe } from '../../support/refreshes.ts'
import { appOrigin, createWorld, usualSessionKey, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

const day = 86_400_000

describe('a duplicated tab', () => {
  test('with the default store it stays signed in with the first', async () => {
    const world = await signedInTab()
    const copy = world.client(world.tab.duplicate())
    expect((await copy.start()).session).toEqual(world.auth.getSession())
    await world.clock.advance(900_000)
    const answers = await Promise.all([copy.fetch(usersMe), world.auth.fetch(usersMe)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(refreshes(world)).toHaveLength(1)
  })

  /** A world whose first tab keeps its session in its own sessionStorage. */
  async function ownSession() {
    const world = await signedInTab()
    await world.auth.signOut({ redirect: false })
    world.browser.local.delete(usualSessionKey)
    world.tab.load(`${appOrigin}/`)
    const auth = world.client(world.tab, { store: world.tab.sessionStore })
    await auth.start()
    await world.server.signInTo(auth)
    const copyOf = async (tab: FakeTab) => {
      const duplicate = tab.duplicate()
      const client = world.client(duplicate, { store: duplicate.sessionStore })
      await client.start()
      return { tab: duplicate, auth: client }
    }
    const revoked = world.server.revoked.length
    const expectNoneReused = () => {
      expect(new Set(sentTokens(world)).size).toBe(refreshes(world).length)
      expect(world.server.revoked).toHaveLength(revoked)
    }
    return Object.assign(world, { auth, copyOf, expectNoneReused })
  }

  test('with sessionStorage it is signed in until the other one refreshes, and then says: tab-copied', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    expect((await copy.auth.fetch(usersMe)).status).toBe(200)
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    const error = await failure(copy.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(copy.auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    expect(refreshes(world)).toHaveLength(1)
    world.expectNoneReused()

    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    world.expectNoneReused()
  })

  test('a refresh that brought a refresh token and no access token counts: the copy never sends the used one (F2)', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    await world.clock.advance(900_000)
    world.server.fault('no-access-token', { on: 'refresh', times: 1 })
    await failure(world.auth.fetch(usersMe))
    await failure(copy.auth.fetch(usersMe))
    expect(copy.auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    world.expectNoneReused()
  })

  test('both refreshing at once: one request, the other is the copy', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    await world.clock.advance(900_000)
    const outcomes = await Promise.allSettled([world.auth.fetch(usersMe), copy.auth.fetch(usersMe)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(refreshes(world)).toHaveLength(1)
    world.expectNoneReused()
  })

  test('of three copies none ever sends a used token', async () => {
    const world = await ownSession()
    const copies = [
      await world.copyOf(world.tab),
      await world.copyOf(world.tab),
      await world.copyOf(world.tab),
    ]
    await world.clock.advance(900_000)
    await world.auth.fetch(usersMe)
    for (const { auth } of copies) {
      await failure(auth.fetch(usersMe))
      expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    }
    world.expectNoneReused()
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    world.expectNoneReused()
  })

  test('a copy that is reloaded later notices as it starts', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    await world.auth.refresh()
    copy.tab.load()
    const again = world.client(copy.tab, { store: copy.tab.sessionStore })
    expect((await again.start()).session).toEqual({ status: 'signed-out', reason: 'tab-copied' })
  })

  test('a copy can sign in anew, and both go on', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    await world.auth.refresh()
    await failure(copy.auth.refresh())
    await world.server.signInTo(copy.auth, 'grace')
    await world.clock.advance(900_000)
    expect(await (await world.auth.fetch(usersMe)).json()).toMatchObject({ sub: 'user-ada' })
    expect(await (await copy.auth.fetch(usersMe)).json()).toMatchObject({ sub: 'user-grace' })
    world.expectNoneReused()
  })

  test('a copy made while the refresh is under way waits for it, and sends nothing', async () => {
    const world = await ownSession()
    await world.clock.advance(900_000)
    const held = world.server.hold('/token')
    const call = world.auth.fetch(usersMe)
    await world.until(() => held.count)
    const copy = await world.copyOf(world.tab)
    const copied = failure(copy.auth.fetch(usersMe))
    await world.clock.settle()
    held.release()
    expect((await call).status).toBe(200)
    await copied
    expect(copy.auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    world.expectNoneReused()
  })

  test.each([true, false])(
    'a copy that fell behind sends nothing either when the first tab has signed out since (revoke: %s)',
    async (revoke) => {
      const world = await ownSession()
      const copy = await world.copyOf(world.tab)
      await world.auth.refresh()
      await world.auth.signOut({ redirect: false, revoke })
      await world.clock.advance(900_000)
      expect(await failure(copy.auth.fetch(usersMe))).toMatchObject({ code: 'session_ended' })
      expect(copy.auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
      expect(refreshes(world)).toHaveLength(1)
    },
  )

  test('signing out of a copy that fell behind revokes nothing, and the first tab goes on', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    await world.auth.refresh()
    const sent = world.server.requestsTo('/revoke').length
    await copy.auth.signOut({ redirect: false })
    expect(copy.auth.getSession().status).toBe('signed-out')
    expect(world.server.requestsTo('/revoke')).toHaveLength(sent)
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    world.expectNoneReused()
  })

  test('a copy goes on alone when the first tab was closed', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    world.tab.close()
    for (let renewal = 0; renewal < 2; renewal += 1) {
      await world.clock.advance(900_000)
      expect((await copy.auth.fetch(usersMe)).status).toBe(200)
    }
    world.expectNoneReused()
  })

  test('with memoryStore() it has no session, and the first one keeps its own', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { store: memoryStore() })
    await world.server.signInTo(auth)
    const copy = world.client(world.tab.duplicate(), { store: memoryStore() })
    expect((await copy.start()).session).toEqual({ status: 'signed-out' })
    await world.server.signInTo(copy, 'grace')
    await world.clock.advance(900_000)
    expect(await (await auth.fetch(usersMe)).json()).toMatchObject({ sub: 'user-ada' })
    expect(await (await copy.fetch(usersMe)).json()).toMatchObject({ sub: 'user-grace' })
    await copy.signOut({ redirect: false })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    expect(world.server.revoked.map(({ reason }) => reason)).not.toContain('refresh-token-reused')
  })

  test('with memoryStore() nothing of the session is written to localStorage', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { store: memoryStore() })
    await world.server.signInTo(auth)
    await auth.refresh()
    expect([...world.browser.local.keys()].filter((name) => !name.includes('|tx|'))).toEqual([])
  })

  /** What is in localStorage beside the sign-ins under way. */
  const marks = ({ browser }: World) =>
    [...browser.local].filter(([name]) => !name.includes('|tx|'))

  test('no token leaves sessionStorage: what the tabs share says only how often it changed, and when', async () => {
    const world = await ownSession()
    await world.auth.refresh()
    const mark = [expect.stringMatching(/\|gen\|/), `2 ${world.clock.now()}`]
    expect(marks(world)).toEqual([mark])
    await world.auth.signOut({ redirect: false })
    expect(marks(world)).toEqual([mark])
  })

  test('the next sign-in removes what the tabs share of sessions that were not refreshed for a month', async () => {
    const world = await ownSession()
    const names = () => marks(world).map(([name]) => name)
    const tab = world.browser.openTab()
    const other = world.client(tab, { store: tab.sessionStore })
    const [forgotten] = names()
    await world.clock.advance(29 * day)
    await world.server.signInTo(other)
    world.browser.local.set(`${usualSessionKey}|gen|no mark`, 'something else')
    const rest = names().filter((name) => name !== forgotten)
    expect(names()).toEqual([forgotten, ...rest])
    await world.clock.advance(2 * day)
    await world.server.signInTo(other, 'grace')
    expect(names()).toEqual([...rest, expect.stringMatching(/\|gen\|/)])
  })
})
