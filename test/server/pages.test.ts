import { Window } from 'happy-dom'
import { describe, expect, test } from 'vitest'
import { OAuthServerError, PkceClientError } from '../../src/errors.ts'
import {
  errorJson,
  errorPage,
  pageInBetween,
  redirectTo,
  statusOf,
  wantsHtml,
} from '../../src/server/pages.ts'
import type { ErrorCode } from '../../src/errors.ts'

const error = new PkceClientError('callback_invalid', 'The callback URL has no state.')

/** What a browser makes of a page. */
async function show(response: Response): Promise<Document> {
  const { document } = new Window()
  document.write(await response.text())
  return document as unknown as Document
}

describe.each([
  ['the error page', () => errorPage({ error, status: 400, signInUrl: '/auth/login' })],
  ['the error for scripts', () => errorJson(error, 400)],
  ['the page in between', () => pageInBetween('https://app.example.com/')],
  ['the redirect', () => redirectTo('https://login.example.com/authorize')],
])('%s', (_, answer) => {
  test('is stored by no cache, framed by nobody and leaks no URL (A-86)', () => {
    const { headers } = answer()
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    const policy = headers.get('content-security-policy')
    expect(policy?.replace(/ style-src 'nonce-[\w-]{43}';/, '')).toBe(
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
  })
})

describe('the error page', () => {
  test('has the code, our sentence and a link to sign in again', async () => {
    const response = errorPage({ error, status: 400, signInUrl: '/auth/login?returnTo=%2F' })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const page = await show(response)
    expect(page.querySelector('h1')?.textContent).toBe('The sign-in did not complete')
    expect(page.querySelector('main')?.textContent).toContain(error.message)
    expect(page.querySelector('code')?.textContent).toBe('callback_invalid')
    expect(page.querySelector('a')?.getAttribute('href')).toBe('/auth/login?returnTo=%2F')
  })

  test('has no link where signing in again does not help', async () => {
    const page = await show(errorPage({ error, status: 403 }))
    expect(page.querySelector('a')).toBeNull()
    expect(page.querySelector('main')?.textContent).toBe(
      'The request was refusedThe callback URL has no state.Error code: callback_invalid',
    )
  })

  test.each([
    [400, 'The sign-in did not complete'],
    [401, 'Please sign in'],
    [403, 'The request was refused'],
    [500, 'The request did not complete'],
    [502, 'The sign-in server gave no usable answer'],
    [503, 'Please try again in a moment'],
    [504, 'The sign-in server did not answer'],
  ])('for %d has a title, a language, and fits a phone', async (status, title) => {
    const response = errorPage({ error, status })
    const text = await response.clone().text()
    expect(text).toMatch(/^<!doctype html><html lang="en"><head><meta charset="utf-8"><title>/)
    const page = await show(response)
    expect(page.title).toBe(title)
    expect(page.querySelector('meta[name=viewport]')?.getAttribute('content')).toBe(
      'width=device-width',
    )
    expect(page.head.textContent.replace(/body\{.*/, '')).toBe(title)
  })

  test('shows nothing that the server said, and no stack (A-18)', async () => {
    const description = '<img src=x onerror=alert(1)> call +1 555'
    const cause = new OAuthServerError('server_error', 'The server refused.', {
      error: 'custom_code',
      description,
    })
    const text = await errorPage({ error: cause, status: 502 }).text()
    for (const hidden of ['555', 'custom_code', 'pages.test']) expect(text).not.toContain(hidden)
  })

  test('escapes every value (A-18)', async () => {
    const hostile = `"'><script>alert(1)</script>&amp;`
    const wild = new PkceClientError(hostile as ErrorCode, hostile)
    const page = await show(errorPage({ error: wild, status: 400, signInUrl: `/${hostile}` }))
    expect(page.querySelectorAll('script')).toHaveLength(0)
    expect(page.querySelector('main p')?.textContent).toBe(hostile)
    expect(page.querySelector('code')?.textContent).toBe(hostile)
    expect(page.querySelector('a')?.getAttribute('href')).toBe(`/${hostile}`)
  })

  test('has a style that its own policy allows, with a nonce of its own each time', async () => {
    const [one, two] = [errorPage({ error, status: 400 }), errorPage({ error, status: 400 })]
    const nonce = (await show(one)).querySelector('style')?.getAttribute('nonce')
    expect(one.headers.get('content-security-policy')).toContain(`style-src 'nonce-${nonce!}'`)
    expect(two.headers.get('content-security-policy')).not.toContain(nonce)
  })
})

test('scripts get the code and our sentence as JSON', async () => {
  const response = errorJson(error, 400)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(await response.json()).toEqual({ error: 'callback_invalid', message: error.message })
})

test('what is over soon says when to try again', () => {
  const store = new PkceClientError('storage_unavailable', 'The store did not answer.')
  expect(errorJson(store, 503).headers.get('retry-after')).toBe('5')
  expect(errorPage({ error: store, status: 503 }).headers.get('retry-after')).toBe('5')
  expect(errorJson(store, 500).headers.has('retry-after')).toBe(false)
})

test('the page in between goes on by itself, or by a link', async () => {
  const url = `https://app.example.com/a?b=1&c="2'>`
  const response = pageInBetween(url)
  expect(response.status).toBe(200)
  const page = await show(response)
  expect(page.querySelector('meta[http-equiv=refresh]')?.getAttribute('content')).toBe(
    `0; url=${url}`,
  )
  expect(page.querySelector('a')?.getAttribute('href')).toBe(url)
  expect(page.title).toBe('One moment')
})

test('a redirect turns a POST into a GET', () => {
  const response = redirectTo('https://login.example.com/authorize')
  expect(response.status).toBe(303)
  expect(response.headers.get('location')).toBe('https://login.example.com/authorize')
})

test.each<[number, ErrorCode[]]>([
  [400, ['callback_invalid', 'transaction_not_found', 'transaction_consumed', 'issuer_mismatch']],
  [400, ['logout_token_invalid']],
  [401, ['sign_in_required', 'login_required', 'session_ended', 'access_token_invalid']],
  [403, ['csrf_rejected', 'insufficient_scope', 'authorization_denied']],
  [403, ['resource_not_allowed', 'step_up_required']],
  [500, ['invalid_option']],
  [502, ['server_error', 'discovery_failed', 'id_token_invalid', 'token_response_invalid']],
  [503, ['storage_unavailable', 'rate_limited']],
  [504, ['network', 'timeout']],
])('the status is %d for %j', (status, codes) => {
  for (const code of codes) expect(statusOf(new PkceClientError(code, ''))).toBe(status)
})

test.each([
  ['text/html,application/xhtml+xml,*/*;q=0.8', true],
  ['*/*', false],
  ['application/json', false],
  ['', false],
])('whoever accepts %j wants a page: %s', (accept, html) => {
  expect(wantsHtml(new Request('https://app.example.com/', { headers: { accept } }))).toBe(html)
})
