import { expect, test } from 'vitest'
import type { SignedInServerSession } from '../../src/server/index.ts'
import { createWebApp, requestOf, usersMe } from '../support/web-app.ts'

async function signedIn() {
  const app = createWebApp()
  const visitor = app.visit()
  await visitor.goto('/auth/login')
  await visitor.signIn()
  const read = async () => (await app.auth.session(requestOf(visitor))) as SignedInServerSession
  return { app, read, session: await read() }
}

test('a route learns from the server who the user is, also when the token there has expired', async () => {
  const { app, session } = await signedIn()
  expect(await session.getUserInfo()).toMatchObject({ sub: 'user-ada', name: 'Ada Lovelace' })
  await app.clock.advance(901_000)
  expect(await session.getUserInfo()).toMatchObject({ sub: 'user-ada' })
})

test('a route gets an access token for another library, which the server says is good', async () => {
  const { app, session } = await signedIn()
  const token = await session.getAccessToken({ for: usersMe, minValidity: 60 })
  expect(await app.auth.introspect(token)).toMatchObject({ active: true, sub: 'user-ada' })
  await expect(session.getAccessToken({ for: 'https://elsewhere.example/' })).rejects.toMatchObject(
    {
      code: 'resource_not_allowed',
    },
  )
  await expect(session.getAccessToken({ minValidity: -1 })).rejects.toMatchObject({
    code: 'invalid_option',
  })
})

test('a session object from before a sign-out gets no token any more', async () => {
  const { app, session, read } = await signedIn()
  await app.startMachine().endSessions({ sub: 'user-ada' })
  await app.clock.advance(901_000)
  await expect(session.fetch(usersMe)).rejects.toMatchObject({
    code: 'session_ended',
    sessionEnded: true,
  })
  await expect(session.refresh()).rejects.toMatchObject({ code: 'sign_in_required' })
  expect(await read()).toMatchObject({ status: 'signed-out' })
})

test('a refresh gives the session as it is afterwards', async () => {
  const { app, session } = await signedIn()
  await app.clock.advance(300_000)
  const refreshed = (await session.refresh()) as SignedInServerSession
  expect(refreshed).toMatchObject({
    status: 'signed-in',
    id: session.id,
    csrfToken: session.csrfToken,
  })
  expect(refreshed.expiresAt).toBe(session.expiresAt! + 300_000)
})

test('a route that gives up waiting does not end the refresh for the others', async () => {
  const { app, session, read } = await signedIn()
  await app.clock.advance(901_000)
  app.server.fault('slow-headers', { path: '/token', on: 'refresh', milliseconds: 3000 })
  const leaves = new AbortController()
  const given = session.fetch(usersMe, { signal: leaves.signal })
  const stays = (await read()).fetch(usersMe)
  await app.clock.advance(1000)
  leaves.abort()
  await expect(given).rejects.toMatchObject({ name: 'AbortError' })
  await app.clock.advance(3000)
  expect((await stays).status).toBe(200)
})

test('what nobody may call with the token of a user is not called', async () => {
  const { session } = await signedIn()
  await expect(session.fetch('https://elsewhere.example/')).rejects.toMatchObject({
    code: 'resource_not_allowed',
  })
})
