import { describe, expect, test } from 'vitest'
import { signInOnDemand, resumeAfterSignIn } from '../../../../src/index.ts'
import type { PkceClientError, SignInParams } from '../../../../src/index.ts'
import { failure, usersMe } from '../../../support/refreshes.ts'
import { endedSession, onDemandWorld, whoAmI } from '../../../support/on-demand.ts'
import { rejection } from '../../../support/world.ts'

describe('the app explains before a sign-in', () => {
  test('it is asked once for all calls, with what the sign-in will ask for and why', async () => {
    const asked: { params: SignInParams; error: PkceClientError }[] = []
    const world = await onDemandWorld({
      ask: (params, error) => {
        asked.push({ params, error })
        return { ...params, loginHint: 'ada' }
      },
    })
    await Promise.all([1, 2, 3].map(() => whoAmI(world.auth.fetch(usersMe))))
    expect(asked).toEqual([
      {
        params: { returnTo: 'https://app.example.com/' },
        error: expect.objectContaining({ code: 'sign_in_required' }) as object,
      },
    ])
    expect(world.windows.map(({ searchParams }) => searchParams.get('login_hint'))).toEqual(['ada'])
  })

  test('it may take its time, and nothing is sent meanwhile', async () => {
    let click = () => {}
    const world = await onDemandWorld({
      ask: (params) => new Promise((resolve) => (click = () => resolve(params))),
    })
    const call = whoAmI(world.auth.fetch(usersMe))
    await world.clock.advance(60_000)
    expect(world.windows).toEqual([])
    click()
    expect(await call).toBe('user-ada')
  })

  test('with false, each call has the outcome that it would have had', async () => {
    const world = await endedSession({ ask: () => false, params: { scope: 'openid' } })
    const [refused, late] = [
      world.auth.fetch(usersMe),
      world.auth.fetch(usersMe).then(() => failure(world.auth.fetch(usersMe))),
    ]
    expect((await refused).status).toBe(401)
    expect(await late).toMatchObject({ code: 'sign_in_required' })
    expect(world.windows).toEqual([])
  })

  test('what it throws is what the calls reject with', async () => {
    const mine = new Error('not in a tunnel')
    const world = await onDemandWorld({
      ask: () => {
        throw mine
      },
    })
    expect(await rejection(world.auth.fetch(usersMe))).toBe(mine)
  })

  test('a call that is aborted meanwhile rejects; the others go on', async () => {
    const reason = new Error('the user has left the page of orders')
    const stop = new AbortController()
    let click = () => {}
    const world = await onDemandWorld({
      ask: (params) => new Promise((resolve) => (click = () => resolve(params))),
    })
    const given = rejection(world.auth.fetch(usersMe, { signal: stop.signal }))
    const other = whoAmI(world.auth.fetch(usersMe))
    await world.clock.settle()
    stop.abort(reason)
    expect(await given).toBe(reason)
    click()
    expect(await other).toBe('user-ada')
    expect(world.server.requestsTo('/users/me')).toHaveLength(1)
  })
})

describe('options', () => {
  test.each([
    [() => signInOnDemand({ ask: 'dialog' as never }), 'ask must be a function'],
    [() => signInOnDemand({ methods: ['POST'] } as never), 'There is no option methods'],
    [() => resumeAfterSignIn({ methods: 'POST' as never }), 'methods must be a list of methods'],
    [() => resumeAfterSignIn({ methods: [7] as never }), 'methods must be a list of methods'],
    [() => resumeAfterSignIn({ ask: true as never }), 'ask must be a function'],
  ])('what cannot be used is refused', (make, why) => {
    expect(make).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining(why) as string,
      }),
    )
  })

  test('both at once do the same thing twice: refused, naming both', async () => {
    const use = [signInOnDemand(), resumeAfterSignIn()]
    expect(await rejection(onDemandWorld({ overrides: { use } }))).toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(/signInOnDemand\(\).*resumeAfterSignIn\(\)/) as string,
    })
  })
})
