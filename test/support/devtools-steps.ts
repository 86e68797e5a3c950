import type { Recording } from '../../src/devtools/recording.ts'
import { numberSteps } from '../../src/devtools/steps.ts'
import type { Cut, Message, Note, Step, StepValue, Verdict } from '../../src/devtools/steps.ts'
import type { Session } from '../../src/session/state.ts'

let count = 0
const common = () => ({
  id: `step-${(count += 1)}`,
  tab: 'one',
  at: 1_700_000_000_000 + count * 40,
})

/** An arrow, as it is recorded. */
export const message = (
  more: Pick<Message, 'from' | 'to' | 'label' | 'purpose'> & Partial<Message>,
): Message => ({ ...common(), type: 'message', values: [], checks: [], ...more })

/** A box on the SDK's lane. */
export const note = (more: Pick<Note, 'label' | 'purpose'> & Partial<Note>): Note => ({
  ...common(),
  type: 'note',
  lane: 'client',
  values: [],
  checks: [],
  ...more,
})

export const cut = (label: string): Cut => ({ ...common(), type: 'cut', label })

export const verdict = (label: string, holds: boolean): Verdict => ({
  ...common(),
  type: 'verdict',
  label,
  holds,
})

type Named = Record<
  'challenge' | 'verifier' | 'state' | 'nonce' | 'code' | 'access' | 'refresh' | 'id',
  StepValue
>

const value = (
  name: string,
  text: string,
  more: Pick<StepValue, 'place'> & Partial<StepValue>,
): StepValue => ({ name, text, ...(more.kind && { fingerprint: `${more.kind}-${text}` }), ...more })

const at = (place: StepValue['place']): Named => ({
  challenge: value('code_challenge', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', {
    place,
    kind: 'pkce',
  }),
  verifier: value('code_verifier', 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk', {
    place,
    kind: 'pkce',
  }),
  state: value('state', 'k3Q.Zr0vW9…t2Lm', { place, kind: 'state' }),
  nonce: value('nonce', '8sVhT1…c0Qa', { place, kind: 'nonce' }),
  code: value('code', 'uW4f1…9xkQ', { place, kind: 'code' }),
  access: value('access_token', 'eyJhbG…(612)', { place, kind: 'access' }),
  refresh: value('refresh_token', 'hX7…pQ', { place, kind: 'refresh' }),
  id: value('id_token', 'eyJhbG…(804)', { place, kind: 'id' }),
})

const server = 'http://127.0.0.1:4000'

/** A sign-in by redirect, and one call of an API. */
export function signInSteps(): Step[] {
  const [memory, query, form, body] = [at('memory'), at('query'), at('form'), at('body')]
  const discovery = message({
    purpose: 'discovery',
    from: 'client',
    to: 'server',
    label: 'GET /.well-known/openid-configuration',
    method: 'GET',
    url: `${server}/.well-known/openid-configuration`,
  })
  const token = message({
    purpose: 'token',
    from: 'client',
    to: 'server',
    label: 'POST /token',
    method: 'POST',
    url: `${server}/token`,
    detail: 'grant_type=authorization_code',
    values: [
      value('grant_type', 'authorization_code', { place: 'form' }),
      form.code,
      form.verifier,
      value('redirect_uri', 'http://127.0.0.1:5000/callback', { place: 'form' }),
    ],
    checks: [
      { text: 'SHA-256(verifier) = challenge of step 5, computed again in this page', holds: true },
    ],
  })
  const keys = message({
    purpose: 'keys',
    from: 'client',
    to: 'server',
    label: 'GET /jwks',
    method: 'GET',
    url: `${server}/jwks`,
  })
  const call = message({
    purpose: 'api',
    from: 'client',
    to: 'api',
    label: 'GET /users/me',
    method: 'GET',
    url: `${server}/users/me`,
    detail: 'Authorization: Bearer',
    values: [
      value('Authorization', 'Bearer eyJhbG…(612)', {
        place: 'header',
        kind: 'access',
        fingerprint: 'access-eyJhbG…(612)',
      }),
    ],
  })
  return [
    message({ purpose: 'app', from: 'user', to: 'app', label: 'clicks “Sign in”' }),
    message({ purpose: 'sign-in', from: 'app', to: 'client', label: 'auth.signIn()' }),
    discovery,
    message({
      purpose: 'discovery',
      from: 'server',
      to: 'client',
      label: '200 metadata',
      answers: discovery.id,
      status: 200,
      milliseconds: 9,
    }),
    note({
      purpose: 'values',
      label: 'makes verifier, challenge, state, nonce',
      values: [memory.verifier, memory.challenge, memory.state, memory.nonce],
    }),
    message({
      purpose: 'authorize',
      from: 'client',
      to: 'server',
      navigates: true,
      label: 'GET /authorize',
      method: 'GET',
      url: `${server}/authorize`,
      detail: 'the browser goes to the authorization server',
      values: [
        query.challenge,
        value('code_challenge_method', 'S256', { place: 'query' }),
        query.state,
        query.nonce,
        value('redirect_uri', 'http://127.0.0.1:5000/callback', { place: 'query' }),
      ],
    }),
    message({
      purpose: 'person',
      from: 'user',
      to: 'server',
      label: 'types the password, allows “profile”',
    }),
    message({
      purpose: 'callback',
      from: 'server',
      to: 'client',
      navigates: true,
      label: '302 /callback',
      url: 'http://127.0.0.1:5000/callback',
      values: [query.code, query.state, value('iss', server, { place: 'query' })],
      checks: [
        { text: 'state is one of ours, and was not used before', holds: true },
        { text: 'iss is the issuer we asked', holds: true },
      ],
    }),
    token,
    message({
      purpose: 'token',
      from: 'server',
      to: 'client',
      label: '200 tokens',
      answers: token.id,
      status: 200,
      milliseconds: 14,
      url: `${server}/token`,
      values: [body.access, body.refresh, body.id, value('expires_in', '900', { place: 'body' })],
    }),
    keys,
    message({
      purpose: 'keys',
      from: 'server',
      to: 'client',
      label: '200 keys',
      answers: keys.id,
      status: 200,
      milliseconds: 11,
    }),
    note({
      purpose: 'session',
      label: '✓ ID token: 9 checks passed',
      values: [
        value('iss', server, { place: 'claim' }),
        value('sub', 'ada', { place: 'claim' }),
        value('aud', 'playground', { place: 'claim' }),
        { ...at('claim').nonce },
        { ...at('memory').id },
      ],
      checks: [
        { text: 'signature, RS256, key k1', holds: true },
        { text: 'nonce is the one of step 5', holds: true },
      ],
    }),
    message({
      purpose: 'session',
      from: 'client',
      to: 'app',
      label: 'session: signed-in',
      detail: 'auth.subscribe() called',
    }),
    message({ purpose: 'app', from: 'app', to: 'client', label: 'auth.fetch(“/users/me”)' }),
    call,
    message({
      purpose: 'api',
      from: 'api',
      to: 'app',
      label: '200 { name: “Ada Lovelace” }',
      answers: call.id,
      status: 200,
      milliseconds: 4,
    }),
  ]
}

/** An API refuses a token: renewed once, sent once more. */
export function refusedSteps(): Step[] {
  const [form, body] = [at('form'), at('body')]
  const call = message({
    purpose: 'api',
    from: 'client',
    to: 'api',
    label: 'GET /users/me',
    method: 'GET',
    url: `${server}/users/me`,
    values: [{ ...at('header').access, name: 'Authorization' }],
  })
  const renewal = message({
    purpose: 'refresh',
    from: 'client',
    to: 'server',
    label: 'POST /token',
    tab: 'two',
    method: 'POST',
    url: `${server}/token`,
    values: [form.refresh],
  })
  return [
    cut('You pressed “API answers 401”'),
    call,
    message({
      purpose: 'api',
      from: 'api',
      to: 'client',
      label: '401 invalid_token',
      refused: true,
      answers: call.id,
      status: 401,
      milliseconds: 3,
      values: [value('error', 'invalid_token', { place: 'header' })],
      checks: [{ text: 'the token has not expired', holds: false }],
    }),
    renewal,
    message({
      purpose: 'refresh',
      from: 'server',
      to: 'client',
      label: '200 new tokens',
      tab: 'two',
      answers: renewal.id,
      status: 200,
      milliseconds: 12,
      values: [
        body.access,
        { ...body.refresh, text: 'kT2…9a', fingerprint: 'refresh-2' },
        value('expires_in', '900', { place: 'body' }),
      ],
    }),
    verdict('Renewed once, sent once more. Your code saw one answer: 200.', true),
    verdict('The app saw 401.', false),
  ]
}

/** What a hostile server might send. */
export function hostileSteps(): Step[] {
  const image = '<img src=x onerror="globalThis.harmed = true">'
  const turned = 'safe \u202egnp.exe\u2066 \u200b end'
  const long = 'x'.repeat(2000)
  return [
    message({
      purpose: 'api',
      from: 'server',
      to: 'client',
      label: image,
      url: image,
      detail: image,
      values: [
        value('error_description', image, { place: 'body' }),
        value(image, turned, { place: 'body' }),
        value('error', long, { place: 'body' }),
      ],
      checks: [{ text: image, holds: false }],
    }),
    message({ purpose: 'api', from: 'api', to: 'client', label: turned }),
    message({ purpose: 'api', from: 'client', to: 'api', label: long }),
    message({ purpose: 'api', from: 'user', to: 'app', label: `${long} ${long}` }),
    note({ purpose: 'failure', label: long, lane: 'api' }),
    note({ purpose: 'failure', label: image, lane: 'user', refused: true }),
    cut(image + long),
    verdict(image + long, false),
  ]
}

/** A recording that is what a test says. */
export function recordingOf(first: readonly Step[]) {
  let steps = first
  const listeners = new Set<() => void>()
  const set = (next: readonly Step[]): void => {
    steps = next
    for (const listener of listeners) listener()
  }
  const push = (step: Step) => set([...steps, step])
  const recording: Recording = {
    steps: () => steps,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    add: ({ from, to, label }) => push(message({ purpose: 'app', from, to, label })),
    cut: (label) => push(cut(label)),
    verdict: (label, holds) => push(verdict(label, holds)),
    clear: () => set([]),
    toJson: () => JSON.stringify(steps),
    toMermaid: () => `sequenceDiagram\n%% ${numberSteps(steps).size} steps`,
  }
  return { ...recording, set, push, listeners: () => listeners.size }
}

/** A client whose session is what a test says. */
export function authOf(first: Session) {
  let session = first
  const listeners = new Set<() => void>()
  return {
    getSession: () => session,
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    listeners: () => listeners.size,
    become(next: Session) {
      session = next
      for (const listener of listeners) listener()
    },
  }
}
