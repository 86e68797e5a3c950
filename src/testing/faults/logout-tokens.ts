import type { FaultName, FaultOptions } from './fault.ts'
import { drop, put } from './id-tokens.ts'
import type { Draft } from '../server/seal.ts'

type LogoutTokenFault = Extract<FaultName, `logout-token-${string}`>

/** How each fault changes a logout token. */
export const logoutTokenFaults: {
  [Name in LogoutTokenFault]: (draft: Draft, options: FaultOptions[Name]) => void
} = {
  'logout-token-alg-none': (draft) => {
    draft.header['alg'] = 'none'
    draft.seal = 'none'
  },
  'logout-token-alg-other': (draft) => {
    draft.seal = 'other-key'
  },
  'logout-token-bad-signature': (draft) => {
    draft.seal = 'broken'
  },
  'logout-token-typ': (draft, { typ = 'at+jwt' }) => {
    draft.header['typ'] = typ
  },
  'logout-token-iss-wrong': (draft, { iss = 'https://attacker.example' }) => put('iss', iss)(draft),
  'logout-token-aud-wrong': (draft, { aud = 'another-client' }) => put('aud', aud)(draft),
  'logout-token-events-missing': drop('events'),
  'logout-token-events-wrong': (draft, { events = { 'https://example.com/other': {} } }) =>
    put('events', events)(draft),
  'logout-token-nonce': (draft, { nonce = 'a nonce' }) => put('nonce', nonce)(draft),
  'logout-token-claims': (draft, { set = {}, remove = [] }) => {
    for (const claim of remove) drop(claim)(draft)
    draft.claims = { ...draft.claims, ...set }
  },
}
