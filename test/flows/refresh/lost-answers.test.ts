import { describe, expect, test } from 'vitest'
import { atToken, fail, status } from '../../support/faults.ts'
import type { Fault, FaultRow } from '../../support/faults.ts'
import {
  expiredTab,
  factsOf,
  failure,
  fresh,
  kept,
  refreshes,
  stale,
  usersMe,
} from '../../support/refreshes.ts'
import { appOrigin } from '../../support/world.ts'

const unknownOutcomes: FaultRow[] = [
  ['a network error', ['network-error', atToken]],
  ['500', status(500)],
  ['502', status(502)],
  ['504', status(504)],
  ['502 with a page', ['html-502']],
  ['an empty 200', ['empty-200']],
  ['204', ['no-content']],
  ['205', status(205)],
  ['a JSON array', ['json-array']],
  ['null', ['json-null']],
  ['a JSON string', ['json-string']],
  ['JSON cut short', ['truncated-json']],
  ['5 MiB', ['huge-body']],
  ['a body without end', ['infinite-body', atToken]],
  [
    '200 without any token',
    ['token-members', { on: 'refresh', remove: ['access_token', 'refresh_token'] }],
  ],
]

describe('it is unknown whether the server has used the refresh token', () => {
  test.each(unknownOutcomes)(
    '%s: sent once more at once, then the session is kept (C-76)',
    async (_, fault) => {
      const world = await expiredTab({ server: { rotation: false } })
      const before = kept(world)
      fail(world, fault)
      const error = await failure(world.auth.fetch(usersMe))
      expect(error).toMatchObject({ retryable: true, sessionEnded: false })
      expect(refreshes(world)).toHaveLength(2)
      expect(kept(world)).toEqual(before)
      expect(world.auth.getSession()).toMatchObject(stale)
      expect(factsOf(world.heard, 'refresh-failed')).toEqual([{ error }])
      expect(factsOf(world.heard, 'signed-out')).toEqual([])
    },
  )

  test.each(unknownOutcomes)(
    '%s, once: the second request brings the session back',
    async (_, [name, how]) => {
      const world = await expiredTab({ server: { rotation: false } })
      fail(world, [name, { ...how, times: 1 }] as Fault)
      const me = await world.auth.fetch(usersMe)
      expect(me.status).toBe(200)
      expect(refreshes(world)).toHaveLength(2)
      expect(world.auth.getSession()).toMatchObject(fresh)
      expect(factsOf(world.heard, 'refresh-failed')).toEqual([])
      expect(world.storedSession()).not.toHaveProperty('pending')
    },
  )

  test('a server that is silent: timeout after twice the time one request may take', async () => {
    const world = await expiredTab()
    fail(world, ['hang', atToken])
    const call = failure(world.auth.fetch(usersMe))
    await world.clock.advance(30_000)
    expect(await call).toMatchObject({ code: 'timeout', retryable: true, sessionEnded: false })
    expect(refreshes(world)).toHaveLength(2)
    expect(world.auth.getSession()).toMatchObject(stale)
  })

  test('headers in time and a body that is too slow: timeout', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    fail(world, ['slow-body', { ...atToken, milliseconds: 10_000 }])
    const call = failure(world.auth.fetch(usersMe))
    await world.clock.advance(40_000)
    expect(await call).toMatchObject({ code: 'timeout' })
  })

  test('a response lost on the way from a strict server ends the session with the reason (A-52)', async () => {
    const world = await expiredTab()
    fail(world, ['drop-response', { ...atToken, times: 1 }])
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(refreshes(world)).toHaveLength(2)
    expect(world.auth.getSession()).toEqual({
      status: 'signed-out',
      reason: 'refresh-response-lost',
    })
  })

  test('a lost response costs nothing on a server with a grace period', async () => {
    const world = await expiredTab({ server: { reuseGraceSeconds: 30 } })
    fail(world, ['drop-response', { ...atToken, times: 1 }])
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('a page that is closed during the request: the next one sends once, and reports what was lost', async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    void world.auth.fetch(usersMe)
    await world.until(() => held.count)
    const next = world.load(world.tab, `${appOrigin}/`)
    held.release()
    await next.start()
    const error = await failure(next.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(refreshes(world)).toHaveLength(2)
    expect(next.getSession()).toEqual({ status: 'signed-out', reason: 'refresh-response-lost' })
  })

  test('a page that is closed before the request arrives: the next one sends it and is signed in', async () => {
    const world = await expiredTab()
    fail(world, ['hang', { ...atToken, times: 1 }])
    void world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length)
    const next = world.load(world.tab, `${appOrigin}/`)
    expect((await next.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('a page that finds an unknown outcome sends once, not twice, before it backs off', async () => {
    const world = await expiredTab()
    fail(world, ['hang', { ...atToken, times: 1 }])
    void world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length)
    fail(world, ['network-error', atToken])
    const next = world.load(world.tab, `${appOrigin}/`)
    await failure(next.fetch(usersMe))
    expect(refreshes(world)).toHaveLength(2)
    expect(next.getSession()).toMatchObject(stale)
  })
})
