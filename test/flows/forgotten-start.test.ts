import { expect, test } from 'vitest'
import { createWorld, signedInTab } from '../support/world.ts'

test('an app that never calls start() is told so in the console, once (N2)', async () => {
  const world = createWorld()
  const auth = world.load(world.tab, await world.depart())
  auth.subscribe(() => {})
  await world.clock.advance(1999)
  expect(world.tab.warnings).toEqual([])
  await world.clock.advance(1)
  expect(world.tab.warnings).toHaveLength(1)
  expect(world.tab.warnings[0]).toMatch(/auth\.start\(\)/)
  expect(world.tab.warnings[0]).not.toContain(new URL(world.tab.url).searchParams.get('code'))
  await world.clock.advance(60_000)
  expect(world.tab.warnings).toHaveLength(1)
})

test.each(['access_denied', 'login_required'])('also when the answer is %s (N2)', async (error) => {
  const world = createWorld()
  const callback = new URL(await world.depart())
  callback.searchParams.delete('code')
  callback.searchParams.set('error', error)
  world.load(world.tab, callback.href)
  await world.clock.advance(2000)
  expect(world.tab.warnings).toHaveLength(1)
})

test('nothing is said to an app that calls start(), handleCallback() or fetch, or is closed (N2)', async () => {
  const world = createWorld()
  for (const finish of [
    (auth: ReturnType<typeof world.load>) => auth.start(),
    (auth: ReturnType<typeof world.load>) => auth.handleCallback(),
    (auth: ReturnType<typeof world.load>) => auth.fetch(`${world.server.api.url}users/me`),
    async (auth: ReturnType<typeof world.load>) => auth.close(),
  ]) {
    const auth = world.load(world.tab, await world.depart())
    await world.clock.advance(1000)
    await finish(auth)
    await world.clock.advance(5000)
  }
  expect(world.tab.warnings).toEqual([])
})

test.each(['/', '/?code=1', '/?state=other.abc&code=1', '/?error=card_declined'])(
  'nothing is said about the page %s, which is no answer of this client (N2)',
  async (page) => {
    const { browser, client, clock } = await signedInTab()
    const tab = browser.openTab(`https://app.example.com${page}`)
    client(tab)
    await clock.advance(5000)
    expect(tab.warnings).toEqual([])
    expect(clock.timers).toBe(0)
  },
)
