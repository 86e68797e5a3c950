import { describe, expect, test } from 'vitest'
import { memorySessions } from '../../../src/server/index.ts'
import type { SessionStore } from '../../../src/server/index.ts'
import { origin, post, requestOf } from '../../support/web-app.ts'
import {
  attackedApp,
  cookiesOf,
  evil,
  plant,
  sessionCookie,
  sessionOf,
  someoneAt,
  whoIs,
} from './support.ts'

describe('the session cookie', () => {
  test('has every attribute that protects it, and only the two answers about signing in and out set it (C-114)', async () => {
    const app = attackedApp()
    const ada = await someoneAt(app)
    expect(cookiesOf(ada)).toMatchObject([
      {
        name: sessionCookie,
        domain: 'app.example.com',
        hostOnly: true,
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Strict',
      },
    ])
    for (const path of ['/', '/me', '/auth/session']) {
      const response = await ada.fetch(path)
      expect([path, response.headers.getSetCookie()]).toEqual([path, []])
    }
  })

  test('with any character changed is nobody', async () => {
    const app = attackedApp()
    const ada = await someoneAt(app)
    const good = sessionOf(ada)
    for (let at = 0; at < good.length; at += 1) {
      const flipped = good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1)
      plant(ada, flipped)
      expect(await whoIs(ada)).toBeUndefined()
    }
    plant(ada, good)
    expect(await whoIs(ada)).toBe('user-ada')
  })

  test.each([
    ['', 'A', 'x'.repeat(43), 'x'.repeat(44), '__proto__', '../../session', 'é'.repeat(43)],
    ['%00', '"quoted"', 'a|b', 'session|x', 'null', 'undefined', '0'.repeat(10_000), '=====', ' '],
  ])('that is no cookie of ours is nobody', async (...values) => {
    const app = attackedApp()
    for (const value of values) {
      const headers = { cookie: `${sessionCookie}=${encodeURI(value)}` }
      const request = new Request(origin, { headers })
      expect(await app.auth.session(request)).toEqual({ status: 'signed-out' })
      const page = await app.auth.handle(new Request(`${origin}/auth/session`, { headers }))
      expect(await page!.json()).toEqual({ status: 'signed-out' })
    }
  })

  test('of somebody else, put into a browser, is given up at the sign-in (A-87)', async () => {
    const app = attackedApp()
    const mallory = await someoneAt(app, 'grace')
    const victim = app.visit()
    plant(victim, sessionOf(mallory))
    await victim.goto('/auth/login?prompt=login')
    await victim.signIn('ada')
    expect(await whoIs(victim)).toBe('user-ada')
    expect(sessionOf(victim)).not.toBe(sessionOf(mallory))
    expect(await whoIs(mallory)).toBeUndefined()
  })

  test('that was made up is never the one that a sign-in gives (A-87)', async () => {
    const app = attackedApp()
    const victim = app.visit()
    const chosen = 'a'.repeat(43)
    plant(victim, chosen)
    await victim.goto('/auth/login')
    await victim.signIn('ada')
    expect(sessionOf(victim)).not.toBe(chosen)
    const attacker = app.visit()
    plant(attacker, chosen)
    expect(await whoIs(attacker)).toBeUndefined()
  })

  test('is another one after each sign-in, and the one before is nobody (A-87)', async () => {
    const app = attackedApp()
    const ada = await someoneAt(app)
    const before = sessionOf(ada)
    await ada.goto('/auth/login')
    expect(sessionOf(ada)).not.toBe(before)
    const copy = app.visit()
    plant(copy, before)
    expect(await whoIs(copy)).toBeUndefined()
    expect(await whoIs(ada)).toBe('user-ada')
  })

  test('replayed after signing out is nobody, at every machine', async () => {
    const app = attackedApp()
    const ada = await someoneAt(app)
    const copied = requestOf(ada)
    expect((await post(ada, '/auth/logout')).status).toBe(200)
    for (const machine of [app.auth, app.startMachine()]) {
      expect(await machine.session(new Request(copied))).toMatchObject({ status: 'signed-out' })
    }
  })

  test('exchanged between two people takes its own person along, and nothing of the other one', async () => {
    const app = attackedApp()
    const [ada, grace] = [await someoneAt(app), await someoneAt(app, 'grace')]
    const [one, other] = [sessionOf(ada), sessionOf(grace)]
    plant(ada, other)
    plant(grace, one)
    expect([await whoIs(ada), await whoIs(grace)]).toEqual(['user-grace', 'user-ada'])
  })

  test('of a sibling cannot take the place of ours, nor a script of the page', async () => {
    const app = attackedApp()
    const mallory = await someoneAt(app, 'grace')
    const stolen = sessionOf(mallory)
    const victim = await someoneAt(app)
    const { jar } = victim
    const attributes = 'Secure; HttpOnly; Path=/'
    jar.store(
      new URL('https://blog.example.com/'),
      `${sessionCookie}=${stolen}; ${attributes}; Domain=example.com`,
    )
    jar.store(new URL('http://app.example.com/'), `${sessionCookie}=${stolen}; Path=/`)
    jar.store(new URL(origin), `${sessionCookie}=${stolen}; ${attributes}`, { from: 'script' })
    expect(await whoIs(victim)).toBe('user-ada')
  })

  test('twice in one request is the first one, as browsers order them', async () => {
    const app = attackedApp()
    const [ada, grace] = [await someoneAt(app), await someoneAt(app, 'grace')]
    const pair = [ada, grace].map((one) => `${sessionCookie}=${sessionOf(one)}`)
    const session = await app.auth.session(
      new Request(origin, { headers: { cookie: pair.join('; ') } }),
    )
    expect(session).toMatchObject({ status: 'signed-in', claims: { sub: 'user-ada' } })
  })
})

describe('whoever reads or writes the store', () => {
  /** A store whose contents lie open. */
  function openStore() {
    const inner = memorySessions()
    const values = new Map<string, string>()
    let swapped: (key: string) => string = (key) => key
    const store: SessionStore = {
      ...inner,
      async add(key, value, options) {
        const added = await inner.add(key, value, options)
        if (added) values.set(key, value)
        return added
      },
      async swap(key, change) {
        const done = await inner.swap(key, change)
        if (done) values.set(key, change.value)
        return done
      },
      get: (key) => inner.get(swapped(key)),
    }
    return {
      store,
      values,
      move: (of: (key: string) => string) => {
        swapped = of
      },
    }
  }

  test('finds no token, no name and no cookie in it', async () => {
    const { store, values } = openStore()
    const app = attackedApp({ options: { sessions: store } })
    const ada = await someoneAt(app)
    const session = await app.auth.session(requestOf(ada))
    const token = session.status === 'signed-in' ? await session.getAccessToken() : ''
    const all = [...values].flat().join('\n')
    expect(values.size).toBeGreaterThan(0)
    for (const secret of [token, sessionOf(ada), 'user-ada', 'Lovelace']) {
      expect(secret).not.toBe('')
      expect(all).not.toContain(secret)
    }
  })

  test('cannot put the record of one session in the place of another', async () => {
    const { store, values, move } = openStore()
    const app = attackedApp({ options: { sessions: store } })
    const mallory = await someoneAt(app, 'grace')
    const sessions = () => [...values.keys()].filter((key) => key.startsWith('session|'))
    const [her] = sessions()
    await someoneAt(app)
    const victim = sessions().find((key) => key !== her)!
    move((key) => (key === her ? victim : key))
    expect(await whoIs(mallory)).toBeUndefined()
    move((key) => key)
    expect(await whoIs(mallory)).toBe('user-grace')
  })

  test('can change no bit of a record, nor put anything else there', async () => {
    const { store, values } = openStore()
    let spoil = (value: string): string => value
    const spoiled: SessionStore = {
      ...store,
      async get(key) {
        const value = await store.get(key)
        return value === undefined ? undefined : spoil(value)
      },
    }
    const app = attackedApp({ options: { sessions: spoiled } })
    const ada = await someoneAt(app)
    const length = Math.max(...[...values.values()].map((value) => value.length))
    for (let at = 0; at < length; at += 97) {
      spoil = (value) => value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1)
      expect(await whoIs(ada)).toBeUndefined()
    }
    for (const other of ['', 'x', '{"status":"signed-in"}', 'null', 'é', '\0'.repeat(99)]) {
      spoil = () => other
      expect(await whoIs(ada)).toBeUndefined()
      expect((await ada.goto('/')).status).toBe(200)
    }
    spoil = (value) => value
    expect(await whoIs(ada)).toBe('user-ada')
  })
})

test('another site, a frame in it, or its script read nothing (C-114)', async () => {
  const app = attackedApp()
  const ada = await someoneAt(app)
  const tab = ada.openTab(evil)
  for (const path of ['/auth/session', '/me']) {
    const reading = tab.fetch(`${origin}${path}`, { credentials: 'include' })
    await expect(reading).rejects.toThrow('Failed to fetch')
    await tab.embed('frame', `${origin}${path}`)
    await tab.embed('image', `${origin}${path}`)
  }
  expect(app.server.requestsTo('/users/me')).toEqual([])
})
