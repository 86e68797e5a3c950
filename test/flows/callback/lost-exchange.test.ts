import { describe, expect, test } from 'vitest'
import type { AuthServer } from '../../../src/testing/index.ts'
import { createWorld, rejection } from '../../support/world.ts'

const token = '/token'

async function comeBack(fault: (server: AuthServer) => unknown) {
  const world = createWorld()
  const callback = await world.depart()
  fault(world.server)
  const auth = world.load(world.tab, callback)
  const sent = () => world.server.requestsTo(token)
  return { ...world, world, auth, sent }
}

describe('a code whose exchange gets no answer', () => {
  test('is sent once more, and the user is signed in (F15, C-27)', async () => {
    const { auth, sent } = await comeBack((server) =>
      server.fault('network-error', { path: token, times: 1 }),
    )
    expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
    const [first, second] = sent()
    expect(sent()).toHaveLength(2)
    expect(second!.form).toEqual(first!.form)
  })

  test('is never sent a third time, and the error says to sign in again (F15, C-27)', async () => {
    const { auth, sent } = await comeBack((server) =>
      server.fault('network-error', { path: token }),
    )
    const error = await rejection(auth.start())
    expect(error).toMatchObject({ code: 'network', retryable: false })
    expect((error as Error).message).toMatch(/sign in again/)
    expect((error as { cause: Error }).cause.cause).toBeInstanceOf(TypeError)
    expect(sent()).toHaveLength(2)
  })

  test('which the server had processed is refused the second time, and nothing is kept (F15)', async () => {
    const { auth, sent, world } = await comeBack((server) =>
      server.fault('drop-response', { path: token, times: 1 }),
    )
    expect(await rejection(auth.start())).toMatchObject({ code: 'server_error', retryable: false })
    expect(sent()).toHaveLength(2)
    expect(world.storedSession()?.['refreshToken']).toBeUndefined()
  })

  test('both times together take no longer than one time limit (F15)', async () => {
    const { auth, sent, clock, server } = await comeBack((server) => {
      server.fault('network-error', { path: token, times: 1 })
      server.fault('slow-headers', { path: token, milliseconds: 60_000 })
    })
    const started = rejection(auth.start())
    await clock.advance(14_999)
    expect(sent()).toHaveLength(2)
    await clock.advance(2)
    expect(await started).toMatchObject({ code: 'timeout' })
    await clock.advance(120_000)
    expect(server.requestsTo(token)).toHaveLength(2)
  })

  test.each([
    ['500', (server: AuthServer) => server.fault('respond', { path: token, status: 500 })],
    ['503', (server: AuthServer) => server.fault('respond', { path: token, status: 503 })],
    ['a redirect', (server: AuthServer) => server.fault('respond', { path: token, status: 302 })],
    ['silence', (server: AuthServer) => server.fault('hang', { path: token })],
    ['a body cut off', (server: AuthServer) => server.fault('truncated-json')],
  ])('but an answer, or a time limit, is not: %s (F15, C-27)', async (_, fault) => {
    const { auth, sent, clock } = await comeBack(fault)
    const failed = rejection(auth.start())
    await clock.advance(60_000)
    await failed
    expect(sent()).toHaveLength(1)
  })

  test('the next sign-in works (F15)', async () => {
    const { auth, world } = await comeBack((server) =>
      server.fault('network-error', { path: token, times: 2 }),
    )
    await rejection(auth.start())
    expect((await world.comeBack()).result).toMatchObject({ kind: 'signed-in' })
  })
})
