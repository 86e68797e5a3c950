import { expect, test } from 'vitest'
import { backEndSession } from '../../src/index.ts'
import { createDevtools } from '../../src/devtools/index.ts'
import { explainValue } from '../../src/devtools/explain.ts'
import { createBackEndWorld } from '../support/back-end.ts'
import { linesOf } from '../support/recorded-world.ts'

test('a session that a back end keeps is shown as well: what the page asks, and where it sends the user', async () => {
  const world = createBackEndWorld()
  const devtools = createDevtools()
  const { host, channel, clock } = world.tab.ports
  const auth = backEndSession(devtools.observe({ host, channel, clock, fetch: world.fetch }))
  devtools.show(auth)
  await auth.start()
  auth.signIn({ returnTo: '/orders' }).catch(() => {})
  await world.until(() => world.tab.navigations.length > 0)
  world.signIn()
  await auth.refresh()
  await auth.fetch('/api/orders?secret=1', { method: 'POST', body: 'tea' })
  await auth.signOut()
  const { recording } = devtools
  expect(linesOf(recording.steps())).toEqual([
    'client -> server: GET /auth/session',
    'server -> client: 200 [status]',
    'client -> app: session: signed-out',
    'app -> client: sign in (redirect)',
    'client => server: GET /auth/login [returnTo]',
    'client -> server: GET /auth/session',
    'server -> client: 200 [status claims scope expiresIn stale csrf]',
    'client -> app: session: signed-in',
    'client -> api: POST /api/orders',
    'api -> app: 200',
    'client -> server: POST /auth/logout',
    'server -> client: 200 [location]',
    'client -x app: sign_in_cancelled',
    'client -> app: session: signed-out (signed-out)',
    'client => server: GET /end [client_id]',
  ])
  for (const secret of ['secret=1', 'csrf-1']) expect(recording.toJson()).not.toContain(secret)
  const values = recording.steps().flatMap((step) => ('values' in step ? step.values : []))
  expect(values.filter((value) => !explainValue(value)).map(({ name }) => name)).toEqual([])
})
