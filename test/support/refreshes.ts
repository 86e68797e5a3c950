import { expect } from 'vitest'
import type { EventMap, EventName, PkceClient, PkceClientError } from '../../src/index.ts'
import type { RecordedRequest } from '../../src/testing/index.ts'
import { listen, rejection, signedInTab } from './world.ts'
import type { HeardEvent, SignedInOptions, World } from './world.ts'

export const usersMe = 'https://api.example.com/users/me'

export const stale = { status: 'signed-in', stale: true }
export const fresh = { status: 'signed-in', stale: false }

/** Ada is signed in, and her access token has just expired. */
export async function expiredTab(
  options: SignedInOptions = {},
): Promise<World & { auth: PkceClient; heard: HeardEvent[] }> {
  const world = await signedInTab(options)
  await world.clock.advance((options.expiresIn ?? 900) * 1000)
  return Object.assign(world, { heard: listen(world.auth) })
}

/** The refresh requests the server was sent. */
export function refreshes({ server }: Pick<World, 'server'>): RecordedRequest[] {
  return server.requestsTo('/token').filter(({ form }) => form?.grant_type === 'refresh_token')
}

/** The refresh tokens that were sent, oldest first. */
export function sentTokens(world: Pick<World, 'server'>): string[] {
  return refreshes(world).map(({ form }) => form!.refresh_token!)
}

/** No refresh token was sent twice, and none was revoked. */
export function expectNoTokenSentTwice(world: World): void {
  expect(new Set(sentTokens(world)).size).toBe(refreshes(world).length)
  expect(world.server.revoked).toEqual([])
}

/** What is kept, without what changes with every request. */
export function kept(world: World) {
  const record = world.storedSession()!
  return { refreshToken: record.refreshToken, access: record.access, claims: record.claims }
}

/** What was heard of one event, oldest first. */
export function factsOf<Name extends EventName>(heard: HeardEvent[], name: Name): EventMap[Name][] {
  return heard.filter((event) => event.name === name).map(({ facts }) => facts as EventMap[Name])
}

/** The error a call fails with, as an error of this package. */
export async function failure(work: Promise<unknown>): Promise<PkceClientError> {
  const error = await rejection(work)
  expect(error).toMatchObject({ isPkceClientError: true })
  return error as PkceClientError
}

/** The tab refreshes, and the store fails when the request has left, before the answer comes. */
export async function refreshedAsStoreFails(
  world: World & { auth: PkceClient },
  fail: () => void,
): Promise<void> {
  const held = world.server.hold('/token')
  const call = world.auth.refresh().catch(() => undefined)
  await world.until(() => held.count)
  fail()
  held.release()
  await call
}

/** Waits, without letting time pass, until the session is signed in and not stale, and nothing is running any more. */
export async function recovered(world: World, auth: PkceClient): Promise<void> {
  await world.until(() => {
    const session = auth.getSession()
    return session.status === 'signed-in' && !session.stale
  })
  await world.until(() => world.clock.timers === 0 && world.browser.locks.held === 0)
}

/** Waits, without letting time pass, until the access token is as fresh as can be. */
export async function renewedNow(world: World, auth: PkceClient): Promise<void> {
  await world.until(() => {
    const session = auth.getSession()
    return session.status === 'signed-in' && session.expiresAt === world.clock.now() + 900_000
  })
}
