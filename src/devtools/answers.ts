import { checkClaims, checkCode, checkProof, checkSignature, requestOf } from './check.ts'
import { carriers, stateOf } from './log.ts'
import { safely } from './observed.ts'
import { readEndpoints, valuesOfAnswer } from './requests.ts'
import { readJwt, toValue, withoutTokens } from './shorten.ts'
import type { Observed, Sent } from './observed.ts'
import type { SentRequest } from './requests.ts'
import type { Check, Message, StepValue } from './steps.ts'

interface Exchange {
  request: SentRequest
  sent: Sent
  response: Response
}

/** An answer may have this many bytes. Of a longer one no more is read here than the client reads. */
const maximumBytes = 1_048_576

/** Records that an answer came, and afterwards what it says. The client's own copy is not touched. */
export function readAnswer(observed: Observed, exchange: Exchange): void {
  const { sent, response } = exchange
  const answer = recordStatus(observed, exchange)
  void checkSent(observed, exchange).catch(() => {})
  // What an API answers is the app's own.
  if (sent.purpose === 'api') return
  const copy = response.clone()
  void read(copy)
    .then((body) => recordBody(observed, { ...exchange, answer, body }))
    .catch(() => {})
}

function recordStatus({ log, now }: Observed, { sent, response }: Exchange): Message {
  const { step, purpose } = sent
  const { status, headers } = response
  const isRefused = status >= 400
  const problem = /error="?([\w.-]{1,60})/.exec(
    headers.get('www-authenticate')?.slice(0, 1000) ?? '',
  )?.[1]
  const values = ['content-type', 'retry-after', 'dpop-nonce', 'www-authenticate'].flatMap(
    (name) => {
      const value = headers.get(name)
      return value === null ? [] : [toValue(name, value, 'header')]
    },
  )
  return log.add({
    type: 'message',
    purpose,
    from: step.to,
    to: purpose === 'api' && status !== 401 ? 'app' : 'client',
    label: [status, problem].filter(Boolean).join(' '),
    answers: step.id,
    ...(isRefused && { refused: true }),
    ...(step.url !== undefined && { url: step.url }),
    status,
    milliseconds: now() - step.at,
    values,
    checks: [],
  })
}

async function read(response: Response): Promise<unknown> {
  const reader = response.body?.getReader()
  if (!reader) return undefined
  const decoder = new TextDecoder()
  let text = ''
  for (let size = 0; ;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > maximumBytes) {
      void reader.cancel().catch(() => {})
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
  return safely(() => JSON.parse(text) as unknown)
}

interface Body extends Exchange {
  answer: Message
  body: unknown
}

async function recordBody(observed: Observed, exchange: Body): Promise<void> {
  const { sent, answer, body, response } = exchange
  const { log } = observed
  const members = { ...(body as object | null) } as Record<string, unknown>
  if (sent.purpose === 'discovery') log.learn(readEndpoints(body))
  if (sent.purpose === 'keys') learnKeys(observed, members['keys'])
  log.change(answer.id, {
    label: labelOf(exchange, members),
    values: [...answer.values, ...valuesOfBody(exchange)],
    ...(typeof members['error'] === 'string' && { refused: true }),
  })
  if (!response.ok || (sent.purpose !== 'token' && sent.purpose !== 'refresh')) return
  if (typeof members['access_token'] === 'string') {
    observed.counts.received += 1
    showSpent(observed, exchange)
  }
  const { id_token: idToken, access_token: accessToken } = members
  if (typeof idToken === 'string')
    await recordIdToken(observed, exchange, {
      idToken,
      ...(typeof accessToken === 'string' && { accessToken }),
    })
  await checkWaiting(observed)
}

function valuesOfBody({ sent, body }: Body): StepValue[] {
  const values = valuesOfAnswer(body)
  // Long lists of what a server can do help nobody; what the client uses of them are the addresses.
  if (sent.purpose === 'discovery')
    return values.filter(({ name }) => /^issuer$|_endpoint$|^jwks_uri$/.test(name))
  return sent.purpose === 'keys' ? [] : values
}

const successes: Readonly<Partial<Record<string, string>>> = {
  token: 'tokens',
  refresh: 'new tokens',
  'user-info': 'user info',
  'pushed-request': 'request_uri',
}

function labelOf({ sent, response }: Body, members: Record<string, unknown>): string {
  const { error, keys } = members
  const said =
    typeof error === 'string'
      ? withoutTokens(error).slice(0, 60)
      : sent.purpose === 'keys' && Array.isArray(keys)
        ? `${keys.length} ${keys.length === 1 ? 'key' : 'keys'}`
        : response.ok && (Object.keys(members).length > 0 ? successes[sent.purpose] : undefined)
  return [response.status, said].filter(Boolean).join(' ')
}

/** The server has given tokens for them: the code and the verifier open nothing any more, so they can be shown whole. */
function showSpent({ log }: Observed, { request, sent }: Exchange): void {
  const { form } = request
  const whole = (value: StepValue): StepValue => {
    const text = form.get(value.name)
    return text !== null && (value.name === 'code' || value.name === 'code_verifier')
      ? { ...value, text: text.slice(0, 300) }
      : value
  }
  const step = log.steps().find(({ id }) => id === sent.step.id) as Message | undefined
  if (!step) return
  log.change(step.id, { values: step.values.map(whole) })
  const verifier = step.values.map(whole).find(({ name }) => name === 'code_verifier')
  const state = stateOfCode(log.steps(), form.get('code'))
  const note = log
    .steps()
    .find((one) => one.type === 'note' && one.purpose === 'values' && stateOf(one) === state)
  if (verifier && note?.type === 'note' && state !== undefined)
    log.change(note.id, { values: [{ ...verifier, place: 'memory' }, ...note.values] })
}

function stateOfCode(
  steps: ReturnType<Observed['log']['steps']>,
  code: string | null,
): string | undefined {
  const callback = carriers(steps, 'code', code ?? '').find(({ purpose }) => purpose === 'callback')
  return callback && stateOf(callback)
}

/** What can be computed again of a request, added to it. */
async function checkSent({ log }: Observed, { request, sent }: Exchange): Promise<void> {
  const ofCode = sent.purpose === 'token' ? await checkCode(log.steps(), request) : []
  const checks = [...ofCode, ...(await checkProof(request))]
  if (checks.length > 0) log.change(sent.step.id, { checks })
}

interface Received {
  idToken: string
  accessToken?: string
}

async function recordIdToken(
  observed: Observed,
  { request, sent }: Body,
  tokens: Received,
): Promise<void> {
  const { log, options, secrets } = observed
  const { idToken } = tokens
  const state = stateOfCode(log.steps(), request.form.get('code'))
  const nonce = requestOf(log.steps(), state)?.values.find(
    ({ name }) => name === 'nonce',
  )?.fingerprint
  const { issuer, clientId } = options
  const { payload } = { ...readJwt(idToken) }
  // At once: what follows from the answer stands below it.
  const note = log.add({
    type: 'note',
    purpose: sent.purpose,
    lane: 'client',
    label: 'ID token',
    values: Object.entries({ ...payload })
      .slice(0, 50)
      .map(([name, value]) => toValue(name, value, 'claim')),
    checks: [],
  })
  const checks = await checkClaims(idToken, {
    issuer,
    clientId,
    ...tokens,
    ...(sent.purpose === 'token' && nonce !== undefined && { nonce }),
  })
  log.change(note.id, { checks, ...summary(checks) })
  secrets.unverified.set(note.id, idToken)
}

function summary(checks: readonly Check[]): { label: string; refused?: boolean } {
  const held = checks.filter(({ holds }) => holds).length
  return held === checks.length
    ? { label: `✓ ID token: ${held} checks passed` }
    : {
        label: `✗ ID token: ${checks.length - held} of ${checks.length} checks failed`,
        refused: true,
      }
}

function learnKeys(observed: Observed, keys: unknown): void {
  if (!Array.isArray(keys)) return
  observed.secrets.keys = keys.filter(
    (key): key is JsonWebKey => typeof key === 'object' && key !== null,
  )
  void checkWaiting(observed).catch(() => {})
}

/** Keys are asked for beside the tokens, so either may come first. */
async function checkWaiting({ log, secrets }: Observed): Promise<void> {
  if (secrets.keys.length === 0) return
  for (const [id, idToken] of [...secrets.unverified]) {
    const check = await checkSignature(idToken, secrets.keys)
    // Newer keys may come: a key that is not among these is judged again then.
    if (check?.holds !== false) secrets.unverified.delete(id)
    const note = log.steps().find((step) => step.id === id)
    if (!check || note?.type !== 'note') continue
    const checks = [check, ...note.checks.filter(({ text }) => !text.startsWith('signature'))]
    log.change(id, { checks, ...summary(checks), refused: checks.some(({ holds }) => !holds) })
  }
}
