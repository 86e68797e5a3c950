// The fetch of a client goes wherever a fetch goes. Checked by `npm run typecheck`; never run.
import axios from 'axios'
import ky from 'ky'
import createClient from 'openapi-fetch'
import type { PkceClient } from 'pkce-client'
import { expectTypeOf } from 'vitest'

declare const auth: PkceClient

export const plain: typeof fetch = auth.fetch
export const withKy = ky.create({ fetch: auth.fetch })
export const withAxios = axios.create({ adapter: 'fetch', env: { fetch: auth.fetch } })
export const withOpenApi = createClient({ fetch: auth.fetch })

export const calls = [
  auth.fetch('/users/me'),
  auth.fetch(new URL('https://api.example.com/users/me'), { method: 'DELETE' }),
  auth.fetch(new Request('https://api.example.com/orders', { method: 'POST', body: '{}' })),
  auth.fetch('/orders', {
    method: 'POST',
    body: new FormData(),
    headers: [['accept', 'text/csv']],
  }),
  auth.fetch('/orders', { method: 'POST', body: new Blob(), headers: new Headers() }),
]
expectTypeOf<Awaited<(typeof calls)[number]>>().toEqualTypeOf<Response>()

expectTypeOf<ReturnType<typeof auth.replaceGlobalFetch>>().toEqualTypeOf<() => void>()

// @ts-expect-error -- a call goes somewhere
void auth.fetch()
// @ts-expect-error -- what is refused is listed in the options; a single call cannot allow itself more
void auth.fetch('https://elsewhere.example.com/', { allowAnyOrigin: true })
// @ts-expect-error -- seconds are a number
void auth.getAccessToken({ minValidity: '60' })
void auth.getAccessToken({ for: 'https://api.example.com/', minValidity: 60 })
