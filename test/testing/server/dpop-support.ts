import * as oauth from 'oauth4webapi'
import type { AuthServer } from '../../../src/testing/index.ts'
import { obtainCode, post, sandbox, verifier } from '../support.ts'
import type { Overrides, Tokens } from '../support.ts'

export type Alter = (
  header: Record<string, oauth.JsonValue | undefined>,
  claims: Record<string, oauth.JsonValue | undefined>,
) => void

export const inHeader =
  (name: string, value: oauth.JsonValue | undefined): Alter =>
  (header) => {
    header[name] = value
  }

export const inClaims =
  (name: string, value: oauth.JsonValue | undefined): Alter =>
  (_, claims) => {
    claims[name] = value
  }

export interface ProofOf {
  keys: CryptoKeyPair
  method?: string
  url: string
  nonce?: string | undefined
  token?: string | undefined
  alter?: Alter | undefined
}

export const newKeys = (alg = 'ES256'): Promise<CryptoKeyPair> => oauth.generateKeyPair(alg)

export function thumbprint(keys: CryptoKeyPair): Promise<string> {
  return oauth.DPoP({}, keys).calculateThumbprint()
}

/** A proof by oauth4webapi, caught before it is sent. */
export async function proof(of: ProofOf): Promise<string> {
  const { keys, method = 'POST', url, nonce, token, alter } = of
  let made = ''
  const handle = oauth.DPoP({}, keys, {
    [oauth.modifyAssertion](header, claims) {
      if (token === undefined) delete claims['ath']
      if (nonce !== undefined) claims['nonce'] = nonce
      alter?.(header, claims)
    },
  })
  await oauth.protectedResourceRequest(
    token ?? 'none',
    method,
    new URL(url),
    undefined,
    undefined,
    {
      DPoP: handle,
      [oauth.customFetch](_, { headers }) {
        made = new Headers(headers).get('dpop')!
        return Promise.resolve(new Response())
      },
    },
  )
  return made
}

/** One app with one key, which remembers the nonces it was given. */
export function boundApp(server: AuthServer, keys: CryptoKeyPair, app: Overrides = {}) {
  const nonces: Record<string, string | undefined> = {}
  const remember = (role: string, response: Response) => {
    nonces[role] = response.headers.get('dpop-nonce') ?? nonces[role]
    return response
  }
  /** Sends once, and once more with the nonce that was demanded. */
  const insist = async (role: string, send: () => Promise<Response>): Promise<Response> => {
    const first = remember(role, await send())
    if (first.status !== 400 && first.status !== 401) return first
    const words = `${await first.clone().text()} ${first.headers.get('www-authenticate') ?? ''}`
    return words.includes('use_dpop_nonce') ? remember(role, await send()) : first
  }
  const header = async (role: string, of: Omit<ProofOf, 'keys' | 'nonce'>) => ({
    dpop: await proof({ keys, nonce: nonces[role], ...of }),
  })
  const id = app['client_id'] === undefined ? {} : { client_id: app['client_id'] }
  const at = (path: string) => server.issuer + path
  const bound = {
    nonces,
    insist,
    header,
    post: (path: string, fields: Overrides, alter?: Alter) =>
      insist('server', async () =>
        post(server, path, fields, await header('server', { url: at(path), alter })),
      ),
    exchange: (code: string, fields: Overrides = {}, alter?: Alter) =>
      bound.post(
        '/token',
        {
          grant_type: 'authorization_code',
          client_id: sandbox.clientId,
          redirect_uri: sandbox.redirectUri,
          code,
          code_verifier: verifier,
          ...app,
          ...fields,
        },
        alter,
      ),
    refresh: (token: string, fields: Overrides = {}) =>
      bound.post('/token', {
        grant_type: 'refresh_token',
        client_id: sandbox.clientId,
        refresh_token: token,
        ...id,
        ...fields,
      }),
    async signIn(extra: Overrides = {}): Promise<Tokens> {
      const code = await obtainCode(server, { ...app, ...extra })
      return (await (await bound.exchange(code)).json()) as Tokens
    },
    call: (url: string, token: string, { method = 'GET', scheme = 'DPoP', alter }: CallWith = {}) =>
      insist(new URL(url).origin, async () => {
        const role = new URL(url).origin
        const dpop = await header(role, { url, method, token, alter })
        const headers = { ...dpop, authorization: `${scheme} ${token}` }
        return server.fetch(url, { method, headers })
      }),
  }
  return bound
}

interface CallWith {
  method?: string
  scheme?: string
  alter?: Alter
}
