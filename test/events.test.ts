import { describe, expect, test } from 'vitest'
import { createEmitter } from '../src/events.ts'
import { createWorld, listen, rejection, signedInTab } from './support/world.ts'

describe('on()', () => {
  test('tells of a sign-in, in order', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const events = listen(auth)
    await auth.start()
    expect(events.map(({ name }) => name)).toEqual([
      'request',
      'request',
      'session-changed',
      'signed-in',
    ])
    expect(events.at(-1)?.facts).toEqual({ session: auth.getSession() })
  })

  test('tells of a sign-out, and why', async () => {
    const { auth } = await signedInTab()
    const events = listen(auth)
    await auth.signOut({ redirect: false, revoke: false })
    expect(events.filter(({ name }) => name !== 'request')).toEqual([
      { name: 'session-changed', facts: { session: auth.getSession() } },
      {
        name: 'signed-out',
        facts: { session: { status: 'signed-out', reason: 'signed-out' } },
      },
    ])
  })

  test('tells that a sign-in is needed', async () => {
    const auth = createWorld().client()
    await auth.start()
    const events = listen(auth)
    const error = await rejection(auth.getAccessToken())
    expect(error).toMatchObject({ code: 'sign_in_required', sessionEnded: true })
    expect(events).toEqual([{ name: 'sign-in-required', facts: { error } }])
  })

  test('stops when told to', async () => {
    const { auth } = await signedInTab()
    const heard: unknown[] = []
    const stop = auth.on('signed-out', (facts) => heard.push(facts))
    stop()
    stop()
    await auth.signOut({ redirect: false })
    expect(heard).toEqual([])
  })

  test('leaves other listeners alone when one leaves while it is called', async () => {
    const { auth } = await signedInTab()
    const heard: string[] = []
    const stopFirst = auth.on('signed-out', () => {
      heard.push('first')
      stopFirst()
    })
    auth.on('signed-out', () => heard.push('second'))
    await auth.signOut({ redirect: false })
    expect(heard).toEqual(['first', 'second'])
  })

  test('tells nothing after close(), also of what was under way', async () => {
    const world = await signedInTab()
    const held = world.server.hold('/token')
    const refreshing = world.auth.refresh()
    await world.until(() => held.count)
    const heard = listen(world.auth)
    world.auth.close()
    const heardLater = listen(world.auth)
    held.release()
    await refreshing
    expect([...heard, ...heardLater]).toEqual([])
  })

  test('tells nothing more when a listener closes the client', async () => {
    const { auth } = await signedInTab()
    const heard: string[] = []
    auth.on('session-changed', () => auth.close())
    auth.on('session-changed', () => heard.push('changed'))
    auth.subscribe(() => heard.push('subscribed'))
    auth.on('signed-out', () => heard.push('out'))
    await auth.signOut({ redirect: false })
    expect(heard).toEqual([])
  })

  test('a listener that throws harms nobody, and is reported (E10)', async () => {
    const { auth, tab } = await signedInTab()
    const heard: string[] = []
    const mistake = new Error('a mistake of the app')
    auth.on('signed-out', () => {
      throw mistake
    })
    auth.on('signed-out', () => heard.push('second'))
    await auth.signOut({ redirect: false })
    expect(heard).toEqual(['second'])
    expect(tab.reportedErrors).toEqual([mistake])
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
  })

  test('so does a subscriber that throws (E10)', async () => {
    const { auth, tab } = await signedInTab()
    const heard: string[] = []
    const mistake = new Error('a mistake of the app')
    auth.subscribe(() => {
      throw mistake
    })
    auth.subscribe(() => heard.push('second'))
    await auth.signOut({ redirect: false })
    expect(heard).toEqual(['second'])
    expect(tab.reportedErrors).toEqual([mistake])
  })
})

describe('an emitter', () => {
  test('calls a listener that is there twice once', () => {
    const { emit, on } = createEmitter(() => {})
    const heard: unknown[] = []
    const listener = (facts: unknown) => heard.push(facts)
    on('request', listener)
    on('request', listener)
    emit('request', { what: 'token', url: 'https://login.example.com/token', ms: 1 })
    expect(heard).toHaveLength(1)
  })

  test('needs no listener', () => {
    const { emit } = createEmitter(() => {})
    expect(() => emit('request', { what: 'jwks', url: 'x', ms: 1 })).not.toThrow()
  })
})
