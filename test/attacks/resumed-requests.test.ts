import { describe, expect, test } from 'vitest'
import { resumeAfterSignIn } from '../../src/index.ts'
import { echo } from '../support/api-calls.ts'
import { keptName, resumeWorld } from '../support/resume.ts'
import { usersMe } from '../support/refreshes.ts'

interface Kept {
  id: string
  at: number
  owner?: string
  url: string
  init: RequestInit
  body: number[]
}

const methods = ['GET', 'POST']

/** The user comes back after somebody has edited what the tab kept of a POST. */
async function comeBackTo(edit: (kept: Kept) => unknown) {
  const world = resumeWorld({ methods })
  const url = await world.call(world.app(), echo, { method: 'POST', body: 'brass' })
  const { auth, result } = await world.comeBackFrom(url, {
    arrived() {
      const edited = edit(JSON.parse(world.keptIn()!) as Kept)
      const text = typeof edited === 'string' ? edited : JSON.stringify(edited)
      world.tab.ports.host.setTabItem(keptName, text)
    },
  })
  expect(result.kind).toBe('signed-in')
  expect(world.keptIn()).toBeUndefined()
  return { world, auth, resumed: result.resumed }
}

describe('a kept request that was edited in storage (A-77)', () => {
  const dropped: [string, (kept: Kept) => unknown][] = [
    ['another place', (kept) => ({ ...kept, url: 'https://evil.example/' })],
    [
      'a place that looks like it',
      (kept) => ({ ...kept, url: 'https://api.example.com.evil.example/' }),
    ],
    [
      'a user name in the URL',
      (kept) => ({ ...kept, url: 'https://api.example.com@evil.example/' }),
    ],
    ['plain http', (kept) => ({ ...kept, url: 'http://api.example.com/echo' })],
    ['a relative URL', (kept) => ({ ...kept, url: '/echo' })],
    ['a data: URL', (kept) => ({ ...kept, url: 'data:,x' })],
    ['a script', (kept) => ({ ...kept, url: 'javascript:alert(1)' })],
    ['the token endpoint', (kept) => ({ ...kept, url: 'https://login.example.com/token' })],
    ['a method that is not listed', (kept) => ({ ...kept, init: { method: 'DELETE' } })],
    ['a method that is forbidden', (kept) => ({ ...kept, init: { method: 'CONNECT' } })],
    [
      'a header that is none',
      (kept) => ({ ...kept, init: { ...kept.init, headers: [['a b', 'c']] } }),
    ],
    ['a body for GET', (kept) => ({ ...kept, init: { method: 'GET' } })],
    ['the id of another sign-in', (kept) => ({ ...kept, id: 'x'.repeat(43) })],
    ['no id', ({ id: _, ...kept }) => kept],
    ['no date', ({ at: _, ...kept }) => kept],
    ['a date of next year', (kept) => ({ ...kept, at: kept.at + 31_536_000_000 })],
    ['a date of words', (kept) => ({ ...kept, at: 'now' })],
    ['another owner', (kept) => ({ ...kept, owner: 'user-grace' })],
    ['no body', ({ body: _, ...kept }) => kept],
    ['null', () => null],
    ['a list', () => []],
    ['a number', () => '7'],
    ['no JSON', () => '{'],
  ]
  test.each(dropped)('is dropped: %s', async (_, edit) => {
    expect((await comeBackTo(edit)).resumed).toBeUndefined()
  })

  test('never carries a token that somebody put into it: it gets the one of the session', async () => {
    const headers = [
      ['Authorization', 'Bearer stolen'],
      ['DPoP', 'stolen'],
      ['x-order', '7'],
    ] as [string, string][]
    const { world, auth, resumed } = await comeBackTo((kept) => ({
      ...kept,
      init: { ...kept.init, headers },
    }))
    expect([...resumed!.headers]).toEqual([['x-order', '7']])
    await auth.fetch(resumed!)
    const [sent] = world.server.requestsTo('/echo')
    expect(sent?.headers.authorization).toMatch(/^Bearer (?!stolen)/)
    expect(sent?.headers).not.toHaveProperty('dpop')
  })

  test('does not touch the prototypes of the page (A-84)', async () => {
    const { resumed } = await comeBackTo((kept) =>
      JSON.stringify({ ...kept }).replace('{', '{"__proto__":{"polluted":true},'),
    )
    expect(resumed?.url).toBe(echo)
    expect({}).not.toHaveProperty('polluted')
  })

  test('an id in the sign-in of another request brings nothing', async () => {
    const world = resumeWorld({ methods })
    const url = await world.call(world.app(), usersMe)
    for (const [name, transaction] of world.transactions())
      world.browser.local.set(name, JSON.stringify({ ...transaction, resume: { id: 'x' } }))
    const { result } = await world.comeBackFrom(url).catch(() => ({ result: undefined }))
    expect(result?.resumed).toBeUndefined()
  })
})

test('what is kept has no token in it, nor what the caller signed in with (C-116)', async () => {
  const world = resumeWorld({ methods })
  const { auth } = await world.comeBackFrom(await world.call(world.app(), usersMe))
  const tokens = Object.values(world.storedSession()!.access as object) as { token: string }[]
  world.server.revokeSessions()
  await world.call(auth, echo, { method: 'POST', body: 'brass' })
  expect(world.keptIn()).toContain(echo)
  for (const { token } of tokens) expect(world.keptIn()).not.toContain(token)
  expect(world.keptIn()?.toLowerCase()).not.toContain('authorization')
})

test('where it cannot be removed from storage, it is not given at all: it could be sent twice', async () => {
  const world = resumeWorld({ methods })
  const url = await world.call(world.app(), echo, { method: 'POST', body: 'brass' })
  world.tab.load(await world.server.authorize(url))
  const host = { ...world.tab.ports.host, setTabItem: () => undefined }
  const auth = world.client(world.tab, { host, use: [resumeAfterSignIn({ methods })] })
  expect(await auth.start()).toMatchObject({ kind: 'signed-in', resumed: undefined })
})
