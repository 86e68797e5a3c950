import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redirect, resumeAfterSignIn } from '../../../../src/index.ts'
import type { PkceClient } from '../../../../src/index.ts'
import type { FakeTab } from '../../../../src/testing/index.ts'
import { fuzz, fuzzTimeout } from '../../../support/fuzz.ts'
import { keepingPage } from '../../../support/navigators.ts'
import { usersMe } from '../../../support/refreshes.ts'
import { appOrigin, createWorld } from '../../../support/world.ts'

const users = ['ada', 'grace'] as const
type User = (typeof users)[number]

type Step =
  | { name: 'calls'; count: number }
  | { name: 'returns'; user: User; twice: boolean }
  | { name: 'waits'; minutes: number }
  | { name: 'expire' | 'revoke' | 'back' | 'reload' | 'denies' | 'sign out' | 'demand' }

const user = fc.constantFrom(...users)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      name: fc.constant('calls' as const),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ name: fc.constant('returns' as const), user, twice: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      name: fc.constant('waits' as const),
      minutes: fc.constantFrom(1, 9, 11, 20),
    }),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('expire', 'revoke', 'back', 'reload', 'denies', 'sign out', 'demand')
      .map((name) => ({ name })),
  },
)

/** An app that sends whatever is resumed, at once; and what became of each of its calls. */
function createApp(popup: boolean) {
  const world = createWorld()
  /** By call, who the API took it for. */
  const accepted = new Map<string, string[]>()
  /** By call, whose page made it; `undefined` while nobody was signed in. */
  const madeFor = new Map<string, string | undefined>()
  const rejected = new Set<string>()
  let calls = 0
  let atWindow: User = 'ada'
  let auth: PkceClient

  const fetch: typeof globalThis.fetch = async (input, init) => {
    const answer = await world.server.fetch(input, init)
    const id = new URL(input instanceof Request ? input.url : input).searchParams.get('id')
    if (id && answer.ok) {
      const { sub } = (await answer.clone().json()) as { sub: string }
      accepted.set(id, [...(accepted.get(id) ?? []), sub])
    }
    return answer
  }
  const navigator = popup
    ? keepingPage(
        async ({ url }) => new URL(await world.server.authorize(url, { username: atWindow })),
      )
    : redirect()

  const subject = () => {
    const session = auth.getSession()
    return session.status === 'signed-in' ? session.claims?.sub : undefined
  }

  async function open(tab: FakeTab): Promise<void> {
    const client = world.client(tab, { fetch, navigator, use: [resumeAfterSignIn()] })
    if (tab === world.tab) auth = client
    const { resumed } = await client.start().catch(() => ({ resumed: undefined }))
    if (resumed) client.fetch(resumed).catch(() => undefined)
    await world.clock.settle()
  }

  function call(): void {
    const id = String((calls += 1))
    madeFor.set(id, subject())
    auth.fetch(`${usersMe}?id=${id}`).catch(() => rejected.add(id))
  }

  /** The page is gone, and nothing in it is clicked. */
  const isAway = () => !world.tab.url.startsWith(appOrigin)

  /** Where the page was sent, if it was sent away. */
  const away = () => world.tab.navigations.at(-1)
  let seen: string | undefined

  async function comeBack(
    how: (url: string) => Promise<string> | string,
  ): Promise<string | undefined> {
    const url = away()
    if (url === undefined || url === seen) return undefined
    seen = url
    const callback = await how(url)
    world.tab.load(callback)
    await open(world.tab)
    return callback
  }

  async function take(next: Step): Promise<void> {
    switch (next.name) {
      case 'calls':
        if (isAway()) break
        world.tab.gesture = true
        for (let one = 0; one < next.count; one += 1) call()
        break
      case 'returns': {
        atWindow = next.user
        const copy = next.twice ? world.tab.duplicate() : undefined
        const callback = await comeBack((url) =>
          world.server.authorize(url, { username: next.user }),
        )
        if (callback !== undefined) copy?.load(callback)
        if (callback !== undefined && copy) await open(copy)
        break
      }
      case 'denies':
        await comeBack((url) => {
          const { redirect_uri: back, state } = Object.fromEntries(new URL(url).searchParams)
          return `${back!}?error=access_denied&state=${state!}&iss=${encodeURIComponent(world.server.issuer)}`
        })
        break
      case 'back':
        try {
          world.tab.restoreFromBackForwardCache()
        } catch {
          // There is no page to go back to.
        }
        break
      case 'reload':
        world.tab.load('/')
        await open(world.tab)
        break
      case 'waits':
        await world.clock.advance(next.minutes * 60_000)
        break
      case 'expire':
        world.server.expireAccessTokens()
        break
      case 'revoke':
        world.server.revokeSessions()
        break
      case 'sign out':
        if (isAway()) break
        await Promise.race([
          auth.signOut({ redirect: false }).catch(() => undefined),
          world.clock.advance(5000),
        ])
        break
      case 'demand':
        world.server.fault('api-401', {
          times: 1,
          challenge: 'Bearer error="insufficient_user_authentication", acr_values="mfa"',
        })
    }
    await world.clock.settle()
  }

  return { take, open: () => open(world.tab), accepted, madeFor, rejected }
}

test.each([
  ['by redirect', false],
  ['in a window', true],
])(
  '%s: no call is sent twice, nor for somebody else, nor after it was rejected (A-88)',
  async (_, popup) => {
    let resolved = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const app = createApp(popup)
        await app.open()
        for (const next of steps) {
          const rejectedBefore = [...app.rejected].filter((id) => !app.accepted.has(id))
          await app.take(next)
          for (const id of rejectedBefore) expect(app.accepted.has(id)).toBe(false)
        }
        for (const [id, subjects] of app.accepted) {
          expect(subjects, `call ${id}`).toHaveLength(1)
          const owner = app.madeFor.get(id)
          if (owner !== undefined) expect(subjects).toEqual([owner])
          resolved += 1
        }
      }),
      fuzz(25),
    )
    expect(resolved).toBeGreaterThan(15)
  },
  fuzzTimeout,
)
