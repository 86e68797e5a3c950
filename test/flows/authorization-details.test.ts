import { describe, expect, test } from 'vitest'
import { pushedRequests } from '../../src/index.ts'
import type { SignedInSession } from '../../src/index.ts'
import { anotherTab, createWorld, listen, signedInTab } from '../support/world.ts'
import type { SignedInOptions } from '../support/world.ts'

const payment = { type: 'payment', amount: '7.00', locations: ['https://bank.example/'] }
const accounts = { type: 'accounts', actions: ['read'] }
const both = [payment, accounts]

const atTheBank = (options: SignedInOptions = {}) =>
  signedInTab({
    server: { authorizationDetailsTypes: ['payment', 'accounts'] },
    params: { authorizationDetails: both },
    ...options,
  })

type Bank = Awaited<ReturnType<typeof atTheBank>>

const detailsOf = ({ auth }: Pick<Bank, 'auth'>) =>
  (auth.getSession() as SignedInSession).authorizationDetails

/** What the next answers of the token endpoint say was granted. */
const grants = ({ server }: Pick<Bank, 'server'>, authorization_details: unknown) =>
  server.fault('token-members', { set: { authorization_details } })

describe('authorization details that the server granted', () => {
  test('are in the session, in other tabs and after a reload (C-18)', async () => {
    const bank = await atTheBank()
    expect(detailsOf(bank)).toEqual(both)
    expect(detailsOf(await anotherTab(bank))).toEqual(both)
    const auth = bank.load(bank.tab, '/')
    await auth.start()
    expect(detailsOf({ auth })).toEqual(both)
  })

  test('travel in a pushed request as well (C-18)', async () => {
    const bank = await atTheBank({ client: { use: [pushedRequests()] } })
    expect(bank.server.requestsTo('/par')[0]!.form).toHaveProperty(
      'authorization_details',
      JSON.stringify(both),
    )
    expect(detailsOf(bank)).toEqual(both)
  })

  test('may be less than was asked for (C-18)', async () => {
    const world = createWorld({ server: { authorizationDetailsTypes: ['payment', 'accounts'] } })
    grants(world, [accounts])
    const auth = await world.signIn(world.tab, { params: { authorizationDetails: both } })
    expect(detailsOf({ auth })).toEqual([accounts])
  })

  test('cannot be changed by who reads them', async () => {
    const details = detailsOf(await atTheBank()) as unknown[]
    expect(() => details.pop()).toThrow(TypeError)
  })

  test('stay the same object as long as a refresh brings the same (C-18)', async () => {
    const bank = await atTheBank()
    const before = detailsOf(bank)
    await bank.auth.refresh()
    expect(detailsOf(bank)).toBe(before)
  })

  test('stay when a refresh does not mention them (C-18)', async () => {
    const bank = await atTheBank()
    bank.server.fault('token-members', { remove: ['authorization_details'] })
    await bank.auth.refresh()
    expect(detailsOf(bank)).toEqual(both)
  })

  test('change when a refresh says so, and the app is told (C-18)', async () => {
    const bank = await atTheBank()
    grants(bank, [payment])
    const heard = listen(bank.auth)
    await bank.auth.refresh()
    expect(detailsOf(bank)).toEqual([payment])
    expect(heard.map(({ name }) => name)).toContain('session-changed')
  })

  test.each([['text'], [7], [{}], [[null]], [[{ amount: '7.00' }]], [[{ type: 7 }]]])(
    '%j is not a list of them, and costs nobody the sign-in (C-18)',
    async (odd) => {
      const world = createWorld()
      grants(world, odd)
      const session = (await world.signIn()).getSession()
      expect(session.status).toBe('signed-in')
      expect(session).not.toHaveProperty('authorizationDetails')
    },
  )

  test('are not there when none were asked for', async () => {
    const { auth } = await signedInTab()
    expect(auth.getSession()).not.toHaveProperty('authorizationDetails')
  })

  test('a stored session in which something else stands in their place is none of ours', async () => {
    const bank = await atTheBank()
    for (const [key, text] of [...bank.browser.local]) {
      const record = JSON.parse(text) as Record<string, unknown>
      if (record['sid']) {
        bank.browser.local.set(
          key,
          JSON.stringify({ ...record, authorizationDetails: { length: 1 } }),
        )
      }
    }
    const auth = bank.load(bank.tab, '/')
    await auth.start()
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
  })
})
