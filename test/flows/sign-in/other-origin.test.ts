import { describe, expect, test } from 'vitest'
import { createWorld, rejection } from '../../support/world.ts'

describe('a sign-in whose redirect URI is on another origin than the page', () => {
  test.each([
    ['http://localhost:4280', 'http://127.0.0.1:4280/callback'],
    ['https://www.example.com', 'https://example.com/callback'],
    ['https://app.example.com:8443', 'https://app.example.com/callback'],
    ['http://localhost:4280', 'https://localhost:4280/callback'],
  ])(
    '%s to %s does not leave the page, and names both origins (F16)',
    async (origin, redirectUri) => {
      const world = createWorld({ client: { redirectUri } })
      const tab = world.browser.openTab(`${origin}/`)
      const error = await rejection(world.client(tab).signIn())
      expect(error).toMatchObject({ code: 'invalid_option', retryable: false })
      expect((error as Error).message).toContain(origin)
      expect((error as Error).message).toContain(new URL(redirectUri).origin)
      expect(tab.navigations).toEqual([])
      expect(world.server.requests).toEqual([])
    },
  )

  test('given for one sign-in is refused as well (F16)', async () => {
    const world = createWorld()
    const params = { redirectUri: 'https://other.example.com/callback' }
    expect(await rejection(world.client().signIn(params))).toMatchObject({ code: 'invalid_option' })
    expect(world.tab.navigations).toEqual([])
  })

  test('may be of a private-use scheme, or for somebody else to open (F16)', async () => {
    const redirectUri = 'com.example.app:/callback'
    const world = createWorld({ client: { redirectUri } })
    await world.leave(world.tab, world.client())
    expect(world.tab.navigations).toHaveLength(1)
    const other = { redirectUri: 'https://other.example.com/callback' }
    const { url } = await world.client(world.browser.openTab()).createAuthorizationUrl(other)
    expect(url.searchParams.get('redirect_uri')).toBe(other.redirectUri)
  })
})
