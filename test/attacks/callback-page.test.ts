import { describe, expect, it } from 'vitest'
import { createCookieJar, createFakeBrowser } from '../../src/testing/index.ts'
import { callbackUri, createWorld, listen, rejection, signedInTab } from '../support/world.ts'

describe('a callback page in a frame of somebody else (A-20)', () => {
  /** In a frame on another site, browsers give a page storage, locks and channels of its own. */
  function framed() {
    const world = createWorld()
    const frame = createFakeBrowser({ clock: world.clock }).openTab('https://app.example.com/')
    return { world, frame }
  }

  it("cannot finish the person's own sign-in, and leaves it to be finished outside", async () => {
    const { world, frame } = framed()
    const callback = await world.depart()
    const before = world.server.requests.length
    const error = await rejection(world.load(frame, callback).start())
    expect(error).toMatchObject({ code: 'transaction_not_found' })
    expect(world.server.requests).toHaveLength(before)
    expect(await world.load(world.tab, callback).start()).toMatchObject({ kind: 'signed-in' })
  })

  it("cannot sign the person in with an attacker's answer", async () => {
    const { world, frame } = framed()
    const attacker = createWorld()
    const callback = await attacker.depart(attacker.tab, { person: { username: 'grace' } })
    const error = await rejection(world.load(frame, callback).start())
    expect(error).toMatchObject({ code: 'transaction_not_found' })
    expect(world.server.requests).toEqual([])
  })

  it('has nothing to click: without an answer in its address it sends nothing and goes nowhere', async () => {
    const { world, frame } = framed()
    const auth = world.load(frame, callbackUri)
    const heard = listen(auth)
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-out' },
    })
    await world.clock.advance(3_600_000)
    expect(world.server.requests).toEqual([])
    expect(frame.navigations).toEqual([])
    expect(heard.map(({ name }) => name)).toEqual(['session-changed'])
  })
})

describe('a page that is only being prerendered (A-81)', () => {
  const prerendered = async () => {
    const world = await signedInTab({ expiresIn: 60 })
    const person = { username: 'grace', jar: createCookieJar() }
    const callback = await world.depart(world.tab, { person })
    const before = world.server.requests.length
    world.tab.prerendering = true
    const auth = world.load(world.tab, callback)
    return { world, callback, before, auth }
  }

  it('uses no answer, renews nothing and cleans nothing, however long and whatever is called', async () => {
    const { world, callback, before, auth } = await prerendered()
    const [session, transactions] = [world.storedSession(), world.transactions()]
    const calls = [
      auth.start(),
      auth.handleCallback(),
      auth.handleCallback(callback),
      auth.getAccessToken(),
      auth.fetch(`${world.server.api.url}users/me`),
      auth.refresh(),
      auth.getUserInfo(),
    ]
    let settled = 0
    for (const call of calls) call.catch(() => {}).finally(() => (settled += 1))
    await world.clock.advance(600_000)
    expect(settled).toBe(0)
    expect(world.server.requests).toHaveLength(before)
    expect(world.tab.url).toBe(callback)
    expect(world.storedSession()).toEqual(session)
    expect(world.transactions()).toEqual(transactions)
    expect(auth.getSession()).toEqual({ status: 'unknown' })
  })

  it('that is thrown away costs nothing: the answer still works on the page that is shown', async () => {
    const { world, callback, auth } = await prerendered()
    void auth.start()
    await world.clock.advance(1000)
    world.tab.prerendering = false
    const shown = world.load(world.tab, callback)
    expect(await shown.start()).toMatchObject({
      kind: 'signed-in',
      session: { claims: { sub: 'user-grace' } },
    })
    expect(world.server.requestsTo('/token').filter(({ form }) => form?.['code'])).toHaveLength(2)
  })

  it('signs in once it is shown, with one request, whoever asked first', async () => {
    const { world, callback, auth } = await prerendered()
    const started = auth.start()
    const handled = auth.handleCallback(callback)
    await world.clock.settle()
    world.tab.activate()
    expect(await started).toMatchObject({ kind: 'signed-in' })
    expect(await handled).toMatchObject({ kind: 'signed-in' })
    expect(world.server.requestsTo('/token').filter(({ form }) => form?.['code'])).toHaveLength(2)
    expect(world.tab.url).toBe(callbackUri)
  })
})

describe('an answer in the address (A-25)', () => {
  it('is gone from it before the first request leaves, and before start() hands over to the app', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const shown: string[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      shown.push(world.tab.url)
      return world.server.fetch(input, init)
    }
    await world.load(world.tab, callback, { fetch }).start()
    expect(shown).toEqual([callbackUri, callbackUri])
    expect(world.tab.url).toBe(callbackUri)
  })
})
