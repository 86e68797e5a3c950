import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  hiddenFields,
  internalApp,
  open,
  redirectOf,
  refusalOf,
  strictServer,
} from '../support.ts'
import type { Overrides } from '../support.ts'

const ada = { username: 'ada', password: 'lovelace' }

/** A browser that shows the login page; `send` posts the fields of its form with others. */
async function atLoginPage(overrides: Overrides = {}) {
  const server = strictServer()
  const browse = server.withCookies(createCookieJar())
  const form = hiddenFields(await (await browse(authorizationUrl(server, overrides))).text())
  const send = (path: string, fields: Record<string, string>, headers = {}) =>
    browse(server.issuer + path, {
      method: 'POST',
      redirect: 'manual',
      headers,
      body: new URLSearchParams({ ...form, ...fields }),
    })
  const consentUrl = `${server.issuer}/consent?interaction=${form['interaction']!}`
  return { server, browse, send, consentUrl }
}

describe('pages', () => {
  it('cannot be framed and cannot be read across origins (S-11)', async () => {
    const server = strictServer()
    const response = await server.fetch(authorizationUrl(server), {
      headers: { origin: 'http://localhost:3000' },
    })
    expect(response.headers.get('x-frame-options')).toBe('DENY')
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('error pages cannot be framed either (S-11)', async () => {
    const server = strictServer()
    const response = await open(server, authorizationUrl(server, { client_id: 'nobody' }))
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })

  it('have an icon that the policy allows, so that no browser reports one it could not load', async () => {
    const response = await open(strictServer(), authorizationUrl(strictServer()))
    expect(await response.text()).toContain('<link rel="icon" href="data:,">')
    expect(response.headers.get('content-security-policy')).toContain('img-src data:;')
  })

  it('say which redirect URI came and which are registered, escaped', async () => {
    const { sentence } = await refusalOf({ redirect_uri: 'http://localhost:3001/<b>' })
    expect(sentence).toMatch(/redirect URI http:\/\/localhost:3001\/&#60;b&#62; is not registered/)
    expect(sentence).toContain('registered are http://localhost:3000/callback, ')
  })

  it('say which clients there are', async () => {
    const { sentence } = await refusalOf({ client_id: 'my-app' })
    expect(sentence).toBe('unknown client my-app; known are sandbox-app, production-app')
  })

  it.each([
    [{ redirect_uri: `http://localhost:3001/${'x'.repeat(5000)}` }, 500],
    [{ client_id: 'x'.repeat(5000) }, 300],
  ])('repeat only the beginning of something long', async (overrides, limit) => {
    expect((await refusalOf(overrides)).sentence!.length).toBeLessThan(limit)
  })

  it('name the scope that nobody knows', async () => {
    const { sentence } = await refusalOf({ scope: 'openid todos:read' })
    expect(sentence).toBe('the scope todos:read is unknown or not for this client')
  })

  it.each([
    ['/', 404],
    ['/login', 405],
  ])('are shown at %s too, to a person who opens it', async (path, status) => {
    const server = strictServer()
    const page = await server.fetch(server.issuer + path, { headers: { accept: 'text/html' } })
    expect([page.status, await page.text()]).toEqual([
      status,
      expect.stringContaining('This did not work'),
    ])
    const answer = await server.fetch(server.issuer + path)
    expect([answer.status, await answer.json()]).toEqual([status, expect.anything()])
  })

  it('ties labels to inputs and fills in the login hint, escaped', async () => {
    const server = strictServer()
    const hint = '"><script>alert(1)</script>'
    const page = await (await open(server, authorizationUrl(server, { login_hint: hint }))).text()
    expect(page).toContain('<label for="username">')
    expect(page).toContain('id="username"')
    expect(page).not.toContain('<script>')
  })

  it('shows the form again after a wrong password, and no redirect', async () => {
    const server = strictServer()
    const attempt = server.authorize(authorizationUrl(server), { password: 'wrong' })
    await expect(attempt).rejects.toThrow('Wrong username or password.')
    expect(server.requestsTo('/login')).toHaveLength(1)
  })

  it('tells what will be shared, and with whom', async () => {
    const server = strictServer()
    const browse = server.withCookies(createCookieJar())
    const page = await (await browse(authorizationUrl(server, { scope: 'openid email' }))).text()
    const fields = { ...hiddenFields(page), username: 'ada', password: 'lovelace' }
    const body = new URLSearchParams(fields)
    const consent = await (await browse(`${server.issuer}/login`, { method: 'POST', body })).text()
    expect(consent).toContain('Allow Sandbox App?')
    expect(consent).toContain('See your email address')
    expect(consent).not.toContain('See your orders')
  })

  it('gives the consent page an address that can be loaded again, in this browser only', async () => {
    const { server, browse, send, consentUrl } = await atLoginPage()
    expect((await send('/login', ada)).headers.get('location')).toBe(consentUrl)
    expect(await (await browse(consentUrl)).text()).toContain('Allow Sandbox App?')
    expect(await (await browse(consentUrl)).text()).toContain('Allow Sandbox App?')
    const elsewhere = await server.withCookies(createCookieJar())(consentUrl)
    expect(elsewhere.status).toBe(400)
    server.clock.pass(11 * 60)
    expect((await browse(consentUrl)).status).toBe(400)
  })

  it('shows nobody a consent page who has not signed in', async () => {
    const { browse, consentUrl } = await atLoginPage()
    expect((await browse(consentUrl)).status).toBe(400)
  })

  it('takes no consent of a person whose session has ended meanwhile', async () => {
    const { server, browse, send, consentUrl } = await atLoginPage()
    await send('/login', ada)
    server.revokeSessions('ada')
    expect((await browse(consentUrl)).status).toBe(400)
    expect((await send('/consent', { decision: 'allow' })).status).toBe(400)
  })

  it.each([
    ['Allow on the consent page', {}, 'allow'],
    ['Deny on the consent page', {}, 'deny'],
    ['Sign in, where nobody is asked for consent', internalApp, undefined],
  ])('a double click on %s leads back to the app once', async (_, overrides, decision) => {
    const { server, browse, send, consentUrl } = await atLoginPage(overrides)
    if (decision) await send('/login', ada)
    const click = () => (decision ? send('/consent', { decision }) : send('/login', ada))
    const first = await click()
    const second = await click()
    expect(redirectOf(first).has(decision === 'deny' ? 'error' : 'code')).toBe(true)
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(second.headers.getSetCookie()).toEqual(first.headers.getSetCookie())
    expect((await browse(consentUrl)).status).toBe(400)
    server.revokeSessions('ada')
    expect((await click()).status).toBe(400)
  })

  it('refuses a form from another browser', async () => {
    const server = strictServer()
    const page = await (
      await server.withCookies(createCookieJar())(authorizationUrl(server))
    ).text()
    const fields = { ...hiddenFields(page), username: 'ada', password: 'lovelace' }
    const response = await server.withCookies(createCookieJar())(`${server.issuer}/login`, {
      method: 'POST',
      body: new URLSearchParams(fields),
    })
    expect(response.status).toBe(400)
  })

  it.each([
    ['without its CSRF token', { csrf: '' }, {}],
    ['from another origin', {}, { origin: 'https://attacker.example' }],
  ])('refuses a form %s', async (_, spoiled, headers) => {
    const { send } = await atLoginPage()
    expect((await send('/login', { ...ada, ...spoiled }, headers)).status).toBe(400)
  })

  it('refuses a form that is eleven minutes old', async () => {
    const { server, send } = await atLoginPage()
    server.clock.pass(11 * 60)
    expect((await send('/login', ada)).status).toBe(400)
  })

  it('explains what the page said when a request cannot be completed', async () => {
    const server = strictServer()
    const attempt = server.authorize(authorizationUrl(server, { client_id: 'nobody' }))
    await expect(attempt).rejects.toThrow('unknown client')
  })

  it('does not play the person at an address that is not the server', async () => {
    const attempt = strictServer().authorize('https://attacker.example/authorize')
    await expect(attempt).rejects.toThrow('not a URL of the authorization server')
  })
})
