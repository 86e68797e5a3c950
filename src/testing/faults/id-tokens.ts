import type { FaultName, FaultOptions } from './fault.ts'
import type { Draft } from '../server/seal.ts'

type IdTokenFault = Exclude<
  Extract<FaultName, `id-token-${string}`>,
  'id-token-missing' | 'id-token-garbage'
>

type Change<Name extends FaultName> = (draft: Draft, options: FaultOptions[Name]) => void

export const put =
  (claim: string, value: unknown) =>
  (draft: Draft): void => {
    draft.claims[claim] = value
  }

export const drop =
  (claim: string) =>
  (draft: Draft): void => {
    Reflect.deleteProperty(draft.claims, claim)
  }

/** A time claim, moved from the moment of issue by so many seconds. */
const shift =
  (claim: string, byDefault: number) =>
  (draft: Draft, { seconds = byDefault }: { seconds?: number }): void => {
    draft.claims[claim] = (draft.claims['iat'] as number) + seconds
  }

/** How each fault changes an ID token. */
export const idTokenFaults: { [Name in IdTokenFault]: Change<Name> } = {
  'id-token-alg-none': (draft, { alg = 'none' }) => {
    draft.header['alg'] = alg
    draft.seal = 'none'
  },
  'id-token-alg-hs256': (draft) => {
    draft.header['alg'] = 'HS256'
    draft.seal = 'public-key-as-secret'
  },
  'id-token-alg-other': (draft) => {
    draft.seal = 'other-key'
  },
  'id-token-bad-signature': (draft) => {
    draft.seal = 'broken'
  },
  'id-token-foreign-key': (draft) => {
    draft.seal = 'foreign-key'
  },
  'id-token-unknown-kid': (draft) => {
    draft.header['kid'] = 'a-key-nobody-published'
  },
  'id-token-no-kid': (draft) => {
    Reflect.deleteProperty(draft.header, 'kid')
  },
  'id-token-crit': (draft) => {
    draft.header['crit'] = ['https://example.com/understand-me']
    draft.header['https://example.com/understand-me'] = true
  },
  'id-token-typ': (draft, { typ = 'at+jwt' }) => {
    draft.header['typ'] = typ
  },
  'id-token-iss-missing': drop('iss'),
  'id-token-iss-wrong': (draft, { iss = 'https://attacker.example' }) => {
    draft.claims['iss'] = iss
  },
  'id-token-aud-missing': drop('aud'),
  'id-token-aud-wrong': (draft, { aud = 'another-client' }) => {
    draft.claims['aud'] = aud
  },
  'id-token-aud-extra': (draft, { audience = 'another-client', azp }) => {
    draft.claims['azp'] = azp ?? draft.claims['aud']
    draft.claims['aud'] = [draft.claims['aud'], audience]
  },
  'id-token-aud-array': (draft) => {
    draft.claims['aud'] = [draft.claims['aud']]
  },
  'id-token-azp-wrong': (draft, { azp = 'another-client' }) => {
    draft.claims['azp'] = azp
  },
  'id-token-exp-missing': drop('exp'),
  'id-token-exp-past': (draft, { seconds = 600 }) => {
    draft.claims['exp'] = (draft.claims['iat'] as number) - seconds
  },
  'id-token-auth-time-missing': drop('auth_time'),
  'id-token-auth-time-old': (draft, { seconds = 24 * 60 * 60 }) => {
    draft.claims['auth_time'] = (draft.claims['iat'] as number) - seconds
  },
  'id-token-auth-time-future': shift('auth_time', 60 * 60),
  'id-token-iat-missing': drop('iat'),
  'id-token-iat-past': (draft, { seconds = 24 * 60 * 60 }) => {
    draft.claims['iat'] = (draft.claims['iat'] as number) - seconds
  },
  'id-token-iat-future': shift('iat', 60 * 60),
  'id-token-nonce-missing': drop('nonce'),
  'id-token-nonce-wrong': (draft, { nonce = 'a-nonce-of-somebody-else' }) => {
    draft.claims['nonce'] = nonce
  },
  'id-token-nonce-empty': put('nonce', ''),
  'id-token-nonce-array': (draft) => {
    draft.claims['nonce'] = [draft.claims['nonce']]
  },
  'id-token-sub-missing': drop('sub'),
  'id-token-sub-empty': put('sub', ''),
  'id-token-sub-number': put('sub', 7),
  'id-token-sub-wrong': (draft, { sub = 'user-mallory' }) => {
    draft.claims['sub'] = sub
  },
  'id-token-at-hash-wrong': put('at_hash', 'AAAAAAAAAAAAAAAAAAAAAA'),
  'id-token-claims': (draft, { set = {}, remove = [] }) => {
    for (const claim of remove) drop(claim)(draft)
    // A spread, because an assignment to __proto__ would put no claim of that name into the token.
    draft.claims = { ...draft.claims, ...set }
  },
}
