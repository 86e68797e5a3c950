import { keepingPage } from './support/navigators.ts'
import { describe, expect, test } from 'vitest'
import type { Navigator, PkceClient } from '../src/index.ts'
import { createWorld, rejection, signedInTab } from './support/world.ts'

describe('the options of methods (E5)', () => {
  const text = 'a non-empty string'
  const methods = {
    signIn: (auth, given) => auth.signIn(given as never),
    createAuthorizationUrl: (auth, given) => auth.createAuthorizationUrl(given as never),
    requireSession: (auth, given) => auth.requireSession(given as never),
    signOut: (auth, given) => auth.signOut(given as never),
    getAccessToken: (auth, given) => auth.getAccessToken(given as never),
    refresh: (auth, given) => auth.refresh(given as never),
    getUserInfo: (auth, given) => auth.getUserInfo(given as never),
  } satisfies Record<string, (auth: PkceClient, given: unknown) => Promise<unknown>>
  type Method = keyof typeof methods
  const all = Object.keys(methods) as Method[]
  const waits = all.filter((name) => name !== 'signOut')
  const signIns: Method[] = ['signIn', 'createAuthorizationUrl', 'requireSession']
  const wrong: [Method[], string, unknown, string?][] = [
    [waits, 'signal', 'now', 'an AbortSignal'],
    [waits, 'signal', null, 'an AbortSignal'],
    [['getAccessToken'], 'minValidity', Number.NaN, 'a number of seconds'],
    [['getAccessToken'], 'minValidity', -1, 'a number of seconds'],
    [['getAccessToken'], 'minValidity', Infinity, 'a number of seconds'],
    [['getAccessToken'], 'minValidity', '60', 'a number of seconds'],
    [['getAccessToken'], 'for', 7, 'a URL or a path'],
    [['getAccessToken'], 'for', null, 'a URL or a path'],
    [['signOut'], 'redirect', 'no', 'true or false'],
    [['signOut'], 'revoke', 0, 'true or false'],
    [['signOut'], 'idTokenHint', 'eyJ', 'true or false'],
    [['signOut'], 'logoutHint', 7, text],
    [['signOut'], 'uiLocales', ['de'], text],
    [['signOut'], 'extraParams', { tenant: 1 }, 'an object of strings'],
    [['signOut'], 'extraParams', 'tenant=1', 'an object of strings'],
    [signIns, 'prompt', true, text],
    [signIns, 'loginHint', 7, text],
    [signIns, 'acrValues', ['1'], text],
    [signIns, 'uiLocales', 7, text],
    [signIns, 'returnTo', 7, 'a URL or a path'],
    [signIns, 'navigator', 'popup', 'a navigator'],
    [signIns, 'navigator', {}, 'a navigator'],
    [signIns, 'extraParams', null, 'an object of strings'],
  ]
  const rows = wrong.flatMap(([names, option, value, right]) =>
    names.map((method) => ({ method, option, value, right })),
  )

  async function refusal(method: Method, given: unknown): Promise<Error> {
    const world = await signedInTab()
    const [before, navigations] = [world.server.requests.length, world.tab.navigations.length]
    const error = await rejection(methods[method](world.auth, given))
    expect(error).toMatchObject({ code: 'invalid_option' })
    await world.clock.settle()
    expect(world.server.requests).toHaveLength(before)
    expect(world.tab.navigations).toHaveLength(navigations)
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
    return error as Error
  }

  test.each(rows)(
    '$method refuses $option: $value (E5)',
    async ({ method, option, value, right }) => {
      const { message } = await refusal(method, { [option]: value })
      expect(message).toContain(`${option} must be ${right!}`)
    },
  )

  test.each(all)('%s refuses an option that does not exist (E5)', async (method) => {
    const { message } = await refusal(method, { redirct: false })
    expect(message).toMatch(/^There is no option redirct, only /)
    expect(message).toContain(method === 'signOut' ? 'redirect' : 'signal')
  })

  test.each(all)('%s takes options that are undefined (E5)', async (method) => {
    const { auth, tab, until } = await signedInTab()
    const before = tab.navigations.length
    const work = methods[method](auth, { signal: undefined, redirct: undefined })
    if (method === 'signIn') await until(() => tab.navigations.length > before)
    else await work
  })

  test('returnTo takes a URL object (E5)', async () => {
    const world = createWorld()
    const returnTo = new URL('https://app.example.com/basket')
    const { result } = await world.comeBack(world.tab, { params: { returnTo } })
    expect(result.returnTo).toBe(returnTo.href)
  })

  test('a navigator of this one sign-in is called as a method of its object (E5)', async () => {
    const world = createWorld()
    class Popup {
      navigator = keepingPage(async ({ url }) => new URL(await world.server.authorize(url)))
      open(...page: Parameters<Navigator['open']>) {
        return this.navigator.open(...page)
      }
    }
    const session = await world.client().signIn({ navigator: new Popup() })
    expect(session).toMatchObject({ status: 'signed-in' })
  })
})
