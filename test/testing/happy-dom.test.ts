// @vitest-environment happy-dom
import { expect, it } from 'vitest'
import { createCookieJar } from '../../src/testing/index.ts'
import { authorizationUrl, callApi, open, redirectOf, signIn, strictServer } from './support.ts'

it("signs in where the window's fetch, Headers and Response are not the platform's", async () => {
  expect(window.Response).toBe(Response)
  const server = strictServer()
  const jar = createCookieJar()
  const tokens = await signIn(server, {}, { jar })
  const response = await callApi(server, '/users/me', tokens.access_token)
  expect(await response.json()).toMatchObject({ sub: 'user-ada' })
})

it('takes the Request and URLSearchParams of the window', async () => {
  const server = strictServer()
  const request = new Request(`${server.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'magic' }),
  })
  await server.fetch(request)
  expect(server.requestsTo('/token')[0]!.form).toEqual({ grant_type: 'magic' })
})

it('shows redirects to who asks for them', async () => {
  const server = strictServer()
  const response = await open(server, authorizationUrl(server, { prompt: 'none' }))
  expect(redirectOf(response).get('error')).toBe('login_required')
})
