import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PkceClient } from '../../src/index.ts'
import type { PkceClientOptions } from '../../src/index.ts'
import { failure, refreshes, usersMe } from '../support/refreshes.ts'
import { rejection, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

const echo = 'https://api.example.com/echo'
const open = 'https://api.example.com/public'
const platform = globalThis.fetch

let world: World & { auth: PkceClient }
let asked: string[]
let stub: typeof fetch

/** A client of the page that, as most apps do, leaves the choice of fetch to the platform. */
function client(overrides: Partial<PkceClientOptions> = {}): PkceClient {
  const { fetch: _, ...options } = world.options
  return new PkceClient({ ...options, ...world.tab.ports, ...overrides })
}

const scheme = async (response: Response) =>
  ((await response.json()) as { scheme: string | null }).scheme

beforeEach(async () => {
  world = await signedInTab()
  await world.clock.advance(60_000)
  asked = []
  stub = (input, init) => {
    asked.push(input instanceof Request ? input.url : String(input))
    return world.server.fetch(input, init)
  }
  globalThis.fetch = stub
})

afterEach(() => {
  globalThis.fetch = platform
})

describe('replaced', () => {
  test('listed resources get a token, and everything else passes through untouched', async () => {
    const auth = client({ resources: ['https://api.example.com/echo'] })
    auth.replaceGlobalFetch()
    expect(await scheme(await fetch(echo))).toBe('Bearer')
    expect(await scheme(await fetch(new Request(echo)))).toBe('Bearer')
    expect(await scheme(await fetch(new URL(echo)))).toBe('Bearer')
    expect(await scheme(await fetch(open))).toBeNull()
    await rejection(fetch('https://attacker.example/'))
    expect(world.server.requests.at(-1)!.headers).toEqual({})
  })

  test('what passes through is the very same input and init', async () => {
    const seen: unknown[] = []
    globalThis.fetch = (...args) => {
      seen.push(...args)
      return Promise.resolve(new Response())
    }
    client().replaceGlobalFetch()
    const request = new Request('https://other.example/', { method: 'POST', body: 'x' })
    const init = { headers: { 'x-one': '1' } }
    await fetch(request, init)
    expect(seen[0]).toBe(request)
    expect(seen[1]).toBe(init)
    expect(request.bodyUsed).toBe(false)
  })

  test('an input that cannot be read fails as it always did', async () => {
    client().replaceGlobalFetch()
    expect(await rejection(fetch('http://['))).toBeInstanceOf(TypeError)
  })

  test("the caller's own Authorization is left alone, even with nobody signed in", async () => {
    const auth = client({ sessionKey: 'nobody' })
    auth.replaceGlobalFetch()
    const answer = await fetch(open, { headers: { authorization: 'Basic eDp5' } })
    expect(await scheme(answer)).toBe('Basic')
    expect(await failure(fetch(echo))).toMatchObject({ code: 'sign_in_required' })
  })

  test('an expired token is renewed: no recursion, no deadlock', async () => {
    const auth = client({ resources: ['https://api.example.com/', 'https://login.example.com/'] })
    auth.replaceGlobalFetch()
    await auth.start()
    await world.clock.advance(900_000)
    const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(usersMe)))
    expect(answers.every(({ ok }) => ok)).toBe(true)
    expect(refreshes(world)).toHaveLength(1)
    expect(refreshes(world)[0]!.headers).not.toHaveProperty('authorization')
  })

  test('a 401 is renewed once, as with auth.fetch', async () => {
    client().replaceGlobalFetch()
    world.server.expireAccessTokens()
    expect((await fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('auth.fetch goes on working, and gives one token', async () => {
    const auth = client()
    auth.replaceGlobalFetch()
    expect(await scheme(await auth.fetch(echo))).toBe('Bearer')
    expect(world.server.requestsTo('/echo')).toHaveLength(1)
  })

  test('a call before start() waits for it', async () => {
    client().replaceGlobalFetch()
    expect((await fetch(usersMe)).status).toBe(200)
  })

  test('the option fetch that looks the global one up at each call does not run in circles', async () => {
    const auth = client({ fetch: (...args) => globalThis.fetch(...args) })
    auth.replaceGlobalFetch()
    await auth.start()
    expect(await scheme(await fetch(echo))).toBe('Bearer')
    expect(await scheme(await auth.fetch(echo))).toBe('Bearer')
    await world.clock.advance(900_000)
    expect((await fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.requestsTo('/echo')).toHaveLength(2)
  })

  describe('where the API lives at the authorization server', () => {
    const resources = ['https://api.example.com/', 'https://login.example.com/']
    const late: typeof fetch = (input, init) => globalThis.fetch(input, { ...init })

    test('an option fetch that leads back does not keep anybody from signing in', async () => {
      const auth = client({ fetch: late, resources, sessionKey: 'nobody' })
      auth.replaceGlobalFetch()
      await world.server.signInTo(auth, 'grace')
      expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
      expect((await fetch(usersMe)).status).toBe(200)
    })

    test('nor does it let a renewal wait for itself', async () => {
      const auth = client({ fetch: late, resources })
      auth.replaceGlobalFetch()
      await world.clock.advance(900_000)
      expect((await fetch(usersMe)).status).toBe(200)
      expect(refreshes(world)).toHaveLength(1)
    })

    describe.each<[string, typeof fetch]>([
      ['a Request', (input, init) => globalThis.fetch(new Request(input, init))],
      [
        'the members it knows',
        (input, { method, headers, body, redirect, signal } = {}) =>
          globalThis.fetch(input, { method, headers, body, redirect, signal } as RequestInit),
      ],
      [
        'another URL object',
        (input, init) => globalThis.fetch(new URL(input as string), { ...init }),
      ],
    ])('an option fetch that makes %s of each request', (_, rebuilding) => {
      test('does not keep anybody from signing in (E8)', async () => {
        const auth = client({ fetch: rebuilding, resources, sessionKey: 'nobody' })
        auth.replaceGlobalFetch()
        await world.server.signInTo(auth, 'grace')
        expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
        expect((await fetch(usersMe)).status).toBe(200)
        expect(await auth.getUserInfo()).toMatchObject({ sub: 'user-grace' })
        await auth.signOut({ redirect: false })
        const sent = world.server.requests.filter(
          ({ to, path }) => to === 'issuer' && path !== '/userinfo',
        )
        expect(sent.map(({ headers }) => headers.authorization).filter(Boolean)).toEqual([])
      })

      test('does not let a renewal wait for itself (E8)', async () => {
        const auth = client({ fetch: rebuilding, resources })
        auth.replaceGlobalFetch()
        await world.clock.advance(900_000)
        expect((await fetch(usersMe)).status).toBe(200)
        expect(refreshes(world)).toHaveLength(1)
      })

      test('is not stopped by another client of the page that lists the same server (E8)', async () => {
        client({ resources, sessionKey: 'nobody' }).replaceGlobalFetch()
        const second = client({ fetch: rebuilding, sessionKey: 'second' })
        await world.server.signInTo(second, 'grace')
        expect(await second.getUserInfo()).toMatchObject({ sub: 'user-grace' })
      })
    })

    test('a page on the issuer itself: what is no request of ours receives a token (E8)', async () => {
      const auth = client({ resources })
      auth.replaceGlobalFetch()
      await auth.start()
      await fetch('https://login.example.com/api/things')
      expect(world.server.requests.at(-1)!.headers.authorization).toMatch(/^Bearer /)
    })

    test.each([
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      '/token',
    ])('%s receives no token, whoever asks (E8)', async (path) => {
      const auth = client({ resources })
      auth.replaceGlobalFetch()
      await auth.start()
      await fetch(`https://login.example.com${path}`)
      expect(world.server.requests.at(-1)!.headers).not.toHaveProperty('authorization')
    })

    test.each([true, false])(
      'a client of nobody does not stand in the way of another one’s sign-in (that replaced it too: %s)',
      async (both) => {
        client({ resources, sessionKey: 'nobody' }).replaceGlobalFetch()
        const second = client({ sessionKey: 'second' })
        if (both) second.replaceGlobalFetch()
        await world.server.signInTo(second, 'grace')
        expect((await second.fetch(usersMe)).status).toBe(200)
        await world.clock.advance(900_000)
        expect((await second.fetch(usersMe)).status).toBe(200)
        expect(await second.getUserInfo()).toMatchObject({ sub: 'user-grace' })
      },
    )

    test('nor does one client’s token go to what another asks of the server', async () => {
      client({ resources }).replaceGlobalFetch()
      const second = client({ sessionKey: 'second' })
      const before = world.server.requests.length
      await world.server.signInTo(second, 'grace')
      const sent = world.server.requests.slice(before).map(({ headers }) => headers.authorization)
      expect(sent.filter(Boolean)).toEqual([])
    })
  })

  test('an option fetch that does so late does not either', async () => {
    const auth = client({
      fetch: async (input, init) => {
        await Promise.resolve()
        return globalThis.fetch(input, init)
      },
    })
    auth.replaceGlobalFetch()
    expect(await scheme(await fetch(new Request(echo, { method: 'POST', body: 'x' })))).toBe(
      'Bearer',
    )
    expect(world.server.requestsTo('/echo')).toHaveLength(1)
  })
})

describe('restored', () => {
  test('the function that was there before is back', () => {
    const restore = client().replaceGlobalFetch()
    expect(globalThis.fetch).not.toBe(stub)
    restore()
    expect(globalThis.fetch).toBe(stub)
    restore()
    expect(globalThis.fetch).toBe(stub)
  })

  test('twice replaced is replaced once', async () => {
    const auth = client()
    const restore = auth.replaceGlobalFetch()
    expect(auth.replaceGlobalFetch()).toBe(restore)
    expect(await scheme(await fetch(echo))).toBe('Bearer')
    restore()
    expect(globalThis.fetch).toBe(stub)
  })

  test('replaced again after it was restored', async () => {
    const auth = client()
    auth.replaceGlobalFetch()()
    const restore = auth.replaceGlobalFetch()
    expect(await scheme(await fetch(echo))).toBe('Bearer')
    restore()
    expect(globalThis.fetch).toBe(stub)
  })

  test('wrapped by somebody else in between: theirs stays, and ours passes everything through', async () => {
    const auth = client()
    const restore = auth.replaceGlobalFetch()
    const ours = globalThis.fetch
    const counted: unknown[] = []
    const theirs: typeof fetch = (...args) => {
      counted.push(args[0])
      return ours(...args)
    }
    globalThis.fetch = theirs
    expect(await scheme(await fetch(echo))).toBe('Bearer')
    restore()
    expect(globalThis.fetch).toBe(theirs)
    expect(await scheme(await fetch(open))).toBeNull()
    expect((await fetch(echo)).status).toBe(401)
    expect(counted).toHaveLength(3)
    expect((await auth.fetch(usersMe)).status).toBe(200)
  })

  test('close() restores it', () => {
    const auth = client()
    auth.replaceGlobalFetch()
    auth.close()
    expect(globalThis.fetch).toBe(stub)
  })

  test('stubs made while it is restored count', async () => {
    const auth = client()
    auth.replaceGlobalFetch()()
    let called = 0
    globalThis.fetch = (input, init) => {
      called += 1
      return world.server.fetch(input, init)
    }
    await auth.fetch(echo)
    expect(called).toBe(1)
  })
})

describe('two clients', () => {
  const others = {
    clientId: 'production-app',
    sessionKey: 'second',
    resources: ['https://api.example.com/orders'],
  }

  test('each gets its own resources, in whatever order they are restored', async () => {
    const first = client({ resources: [echo] })
    const second = client(others)
    await world.server.signInTo(second, 'grace')
    const undoFirst = first.replaceGlobalFetch()
    const undoSecond = second.replaceGlobalFetch()
    await fetch(echo)
    await fetch('https://api.example.com/orders')
    const sent = (path: string) => world.server.requestsTo(path).at(-1)!.headers.authorization
    expect(sent('/echo')).toBe(`Bearer ${await first.getAccessToken()}`)
    expect(sent('/orders')).toBe(`Bearer ${await second.getAccessToken()}`)
    undoFirst()
    await fetch('https://api.example.com/orders')
    expect(sent('/orders')).toBe(`Bearer ${await second.getAccessToken()}`)
    await fetch(echo)
    expect(sent('/echo')).toBeUndefined()
    undoSecond()
    await fetch('https://api.example.com/orders')
    expect(sent('/orders')).toBeUndefined()
  })

  test('of two that list the same place the one asked first gives its token, once', async () => {
    const first = client()
    const second = client({ sessionKey: 'second' })
    await world.server.signInTo(second, 'grace')
    first.replaceGlobalFetch()
    second.replaceGlobalFetch()
    await fetch(echo)
    const [request] = world.server.requestsTo('/echo')
    expect(request!.headers.authorization).toBe(`Bearer ${await second.getAccessToken()}`)
    first.close()
    second.close()
  })

  test('both refresh through each other without waiting for each other', async () => {
    const first = client({ resources: [echo, 'https://login.example.com/'] })
    const second = client({
      ...others,
      resources: [...others.resources, 'https://login.example.com/'],
    })
    await world.server.signInTo(second, 'grace')
    first.replaceGlobalFetch()
    second.replaceGlobalFetch()
    await first.start()
    await world.clock.advance(900_000)
    expect((await fetch(echo)).status).toBe(200)
    expect((await fetch('https://api.example.com/orders')).status).toBe(403)
    expect(refreshes(world)).toHaveLength(2)
  })
})

test("the client's own calls use the fetch of the moment, and pass by the replacement (A-38)", async () => {
  const auth = client()
  auth.replaceGlobalFetch()
  await auth.start()
  await auth.refresh()
  await auth.getUserInfo()
  await auth.signOut({ redirect: false })
  expect(asked).toEqual(
    expect.arrayContaining([
      'https://login.example.com/.well-known/openid-configuration',
      'https://login.example.com/token',
      'https://login.example.com/userinfo',
      'https://login.example.com/revoke',
    ]),
  )
})
