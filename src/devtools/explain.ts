import { names } from './explain-names.ts'
import type { Lane, Message, Note, NumberedStep, Purpose, Step, StepValue } from './steps.ts'

/** What a value is for, and where it is specified. */
export interface Explanation {
  text: string
  rfc?: string
}

/** Says what a value is for; nothing, when its name is not known. */
export function explainValue({
  name,
  place,
  kind,
}: Pick<StepValue, 'name' | 'place' | 'kind'>): Explanation | undefined {
  const key = place === 'header' ? name.toLowerCase() : name
  // One is of the ID token, and made here; the other is of a DPoP proof, and given by the server.
  const found = key === 'nonce' && kind !== 'nonce' ? 'dpop-nonce' : key
  const row = own(names, `${place}:${found}`) ?? own(names, found)
  return row && { text: row[0], ...(row[1] !== undefined && { rfc: row[1] }) }
}

const own = <Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

/** One sentence for each: the request or note, its answer, and a refusal. */
type Sentences = readonly [asks: string, answers: string, refuses: string]

const purposes: Readonly<Record<Purpose, Sentences>> = {
  'sign-in': [
    'The line your app wrote. Everything below follows from it.',
    'The app has its answer: it knows whether a user is signed in.',
    'The sign-in did not complete. The app is told why, and nothing was stored.',
  ],
  discovery: [
    'Where are the endpoints, and which issuer are you? Asked once per page.',
    'The endpoints of the server. Its issuer must be the one that was asked for.',
    'Without the addresses of the server nothing can begin. It is asked again with the next call.',
  ],
  'resource-metadata': [
    'Which authorization server do you trust? The API itself knows best.',
    'The API names the authorization servers whose tokens it accepts.',
    'The API does not describe itself, so the app cannot find out where to sign in.',
  ],
  registration: [
    'The app introduces itself to the server, with its name and its redirect URIs.',
    'The server knows the app now, and gives it a client ID.',
    'The server does not register this app.',
  ],
  values: [
    'Random values, made for this sign-in only. They are stored, so that the answer can be checked after the page was left.',
    'Random values, made for this sign-in only.',
    'The values could not be made or stored, so the sign-in does not begin.',
  ],
  'pushed-request': [
    'The request goes to the server directly, so that nobody can read or change it in the address bar.',
    'A name for the pushed request. Only this name goes through the address bar.',
    'The server does not accept this request. The browser does not leave the page.',
  ],
  authorize: [
    'A page is left, so everything is in the address, where history and logs can see it. That is why only the hash of the secret travels.',
    'The server shows its own page.',
    'The server does not accept this request.',
  ],
  person: [
    'Your app does not see the password. This page belongs to the authorization server.',
    'The server knows who it is now.',
    'The user did not sign in, or did not allow what was asked for.',
  ],
  callback: [
    'The answer in the address bar. It is taken out before your app renders.',
    'The answer in the address bar. It is taken out before your app renders.',
    'This answer is refused: nothing of it is used, and no token is asked for with it.',
  ],
  token: [
    'Code and secret, sent directly and never through the address bar. The server hashes the verifier and compares it with the challenge.',
    'Up to three tokens with three jobs: the access token for APIs, the refresh token for the next one, the ID token for your app.',
    'The server gives no tokens for this code. Nothing is stored.',
  ],
  refresh: [
    'The refresh token buys the next access token. Whoever is calling an API waits for this one request; nobody sends a second.',
    'New tokens. The session goes on, and the calls that waited are sent.',
    'No new token this time. Whether the session is over depends on the answer: only a clear refusal ends it.',
  ],
  keys: [
    'The public keys of the server. A signature is checked with them.',
    'Public keys: anybody may have them. They are kept until a signature names another.',
    'Without the keys no signature can be checked, so no ID token is accepted.',
  ],
  'user-info': [
    'What do you know about the user? Asked with the access token.',
    'Claims about the user. They count only if sub is that of the ID token.',
    'The server tells nothing about the user.',
  ],
  revocation: [
    'The token is given back: from now on nobody can use it.',
    'The token is worthless now.',
    'The server could not be told. In this browser the session is over all the same.',
  ],
  introspection: [
    'Is this token good? The server knows.',
    'The server says whether the token is good, and for what.',
    'The server does not say whether the token is good.',
  ],
  'end-session': [
    'The browser signs out at the server as well, so that the next sign-in asks who it is.',
    'Signed out at the server. The browser comes back to your app.',
    'The server did not end its session. In this app it is over all the same.',
  ],
  api: [
    'The token is attached because the address is under a listed resource.',
    'The answer of the API goes to your code as it is.',
    'The API refuses this request. If the token is why, it is renewed once and the request is sent once more.',
  ],
  'back-end': [
    'The app’s own back end keeps the tokens. It knows the user by a cookie that no script can read.',
    'The back end says who is signed in, without any token.',
    'The back end does not do what was asked.',
  ],
  session: [
    'Your app learns who is signed in. There is no token in the session.',
    'Your app learns who is signed in. There is no token in the session.',
    'The session is not what it was; your app learns why.',
  ],
  failure: [
    'Something did not work. The app is told, with a code that it can compare.',
    'Something did not work. The app is told, with a code that it can compare.',
    'Something did not work. The app is told, with a code that it can compare.',
  ],
  app: [
    'What the app itself does or says; the SDK has no part in it.',
    'What the app itself does or says; the SDK has no part in it.',
    'What the app itself does or says; it did not work.',
  ],
}

const idToken: Sentences = [
  'Nothing of an ID token counts before all of these hold. There is no option to turn one off.',
  'Nothing of an ID token counts before all of these hold. There is no option to turn one off.',
  'A check failed: a client must not use this ID token. It could be somebody else’s, or for another app.',
]

const withoutToken =
  'No token goes along: nobody is signed in, or the address is not under a listed resource.'

/** One sentence about why a step happens. */
export function explainStep(step: NumberedStep): string {
  const [asks, answers, refuses] = sentencesOf(step)
  if (step.refused) return refuses
  if (isAnswer(step)) return answers
  const isBare = step.purpose === 'api' && step.values.every(({ kind }) => kind !== 'access')
  return isBare ? withoutToken : asks
}

function sentencesOf({ type, purpose }: NumberedStep): Sentences {
  if (type === 'note' && (purpose === 'token' || purpose === 'refresh')) return idToken
  // Steps of other tabs may be of a newer version, which knows more purposes.
  return own(purposes, purpose) ?? purposes.app
}

const isAnswer = (step: NumberedStep): boolean =>
  step.type === 'message' && step.answers !== undefined

const readers: Record<Lane, string> = {
  user: 'the user',
  app: 'the app',
  client: 'pkce-client',
  server: 'the authorization server',
  api: 'the API',
}

/**
 * A step as a sentence, for those who hear it: "Step 8, pkce-client asks the authorization server: POST /token".
 *
 * @param step what is read
 * @param number its number; a heading or a verdict has none
 */
export function readStep(step: Step, number?: number): string {
  if (step.type === 'cut') return step.label
  if (step.type === 'verdict') return step.holds ? step.label : `Not as expected: ${step.label}`
  return `${readLead(step, number)} ${step.label}`
}

/** The sentence up to the label, which everybody sees: "Step 8, pkce-client asks the authorization server:". */
export function readLead(step: NumberedStep, number?: number): string {
  const who = step.type === 'note' ? readNote(step) : readMessage(step)
  return `Step ${number ?? '?'}, ${who}:`
}

const readNote = ({ lane, refused }: Note) => `${readers[lane]} ${refused ? 'refuses' : 'notes'}`

function readMessage(step: Message): string {
  const from = readers[step.from]
  const to = readers[step.to]
  if (isAnswer(step)) return `${from} ${step.refused ? 'refuses' : 'answers'} ${to}`
  if (step.refused) return `${from} refuses ${to}`
  if (step.navigates) return `the browser goes from ${from} to ${to}`
  return `${from} ${step.to === 'app' ? 'tells' : 'asks'} ${to}`
}
