import { expect, test } from 'vitest'
import { signInOnDemand } from '../../src/index.ts'
import { bills, entries, otherApis } from '../support/apis.ts'
import { keepingPage } from '../support/navigators.ts'
import { createRecordedWorld, linesOf } from '../support/recorded-world.ts'
import { usersMe } from '../support/refreshes.ts'
import { usualScope } from '../support/world.ts'

test('the token of another API is seen: how it is asked for, and where it goes', async () => {
  const world = createRecordedWorld({
    server: { otherApis },
    client: { resources: [entries.orders, entries.bills], scope: `${usualScope} orders:read` },
  })
  const auth = await world.signIn()
  await auth.fetch(usersMe)
  await auth.fetch(`${bills}me`)
  await world.clock.settle()
  const lines = linesOf(world.steps())
  expect(lines).toContainEqual(
    expect.stringMatching(/^client -> server: POST \/token \[(?=.*refresh_token)(?=.*resource)/),
  )
  const sent = world
    .steps()
    .flatMap((step) =>
      'values' in step ? step.values.filter(({ name }) => name === 'Authorization') : [],
    )
  expect(new Set(sent.map(({ fingerprint }) => fingerprint)).size).toBe(2)
})

test('a sign-in that a call begins is one diagram with the call', async () => {
  const world = createRecordedWorld()
  const navigator = keepingPage(async ({ url }) => new URL(await world.server.authorize(url)))
  const auth = world.client(world.tab, { navigator, use: [signInOnDemand()] })
  await auth.start()
  const answer = await auth.fetch(usersMe)
  await world.clock.settle()
  expect(answer.status).toBe(200)
  const lines = linesOf(world.steps())
  const order = [
    'sign in (',
    '=> server: GET /authorize',
    '302 /callback',
    '200 tokens',
    'GET /users/me',
  ]
  const places = order.map((part) => lines.findIndex((line) => line.includes(part)))
  expect(places).toEqual([...places].sort((a, b) => a - b))
  expect(places[0]).toBeGreaterThan(-1)
  expect(lines.filter((line) => line.includes('302 /callback'))).toHaveLength(1)
})
