import { utf8 } from '../server/encoding.ts'
import { html } from './answers.ts'
import type { Circumstances, FaultBoard, FaultOptions } from './fault.ts'
import type { TokenRefusal } from './refusals.ts'
import { reply, withHeader } from '../server/http.ts'
import type { Outcome, Reply } from '../server/http.ts'

/** Waits by the clock that was handed to the server. */
export type Sleep = (milliseconds: number) => Promise<void>

/** What will go wrong with one request, decided when it arrives: the first to come is the one hit. */
interface Mishap {
  /** What happens instead of processing the request, if anything does. */
  instead: Outcome | undefined
  /** What happens to the answer on its way back. */
  afterwards(answer: Reply): Outcome | Promise<Outcome>
}

export function decideMishap(
  faults: FaultBoard,
  { circumstances, sleep }: { circumstances: Circumstances; sleep: Sleep },
): Mishap {
  const lost = (instead: Outcome): Mishap => ({
    instead,
    afterwards: decideDelay(faults, { circumstances, sleep }),
  })
  if (faults.use('network-error', circumstances)) return lost('connection-lost')
  const told = faults.use('respond', circumstances)
  if (told) return lost(replyAsTold(told))
  const refused = faults.use('token-refused', circumstances)
  if (refused) return lost(refusalReply(refused.as ?? '400 invalid_grant'))
  const later = faults.use('try-later', circumstances)
  if (later) {
    const retryAfter = String(later.retryAfter ?? 60)
    return lost(reply(later.status ?? 503, { headers: [['retry-after', retryAfter]] }))
  }
  const away = faults.use('redirect-token', circumstances)
  if (away) {
    const to = away.to ?? 'https://elsewhere.example/token'
    return lost(reply(away.status ?? 307, { headers: [['location', to]] }))
  }
  const hang = faults.use('hang', circumstances)
  if (hang && !hang.processed) return lost('silence')
  if (hang) return { instead: undefined, afterwards: () => 'silence' }
  if (faults.use('drop-response', circumstances)) {
    return { instead: undefined, afterwards: () => 'connection-lost' }
  }
  return { instead: undefined, afterwards: decideDelay(faults, { circumstances, sleep }) }
}

function decideDelay(
  faults: FaultBoard,
  { circumstances, sleep }: { circumstances: Circumstances; sleep: Sleep },
): Mishap['afterwards'] {
  const late = faults.use('slow-headers', circumstances)
  const slow = faults.use('slow-body', circumstances)
  const endless = faults.use('infinite-body', circumstances)
  return async (answer) => {
    if (late) await sleep(late.milliseconds ?? 60_000)
    if (endless) return { ...answer, body: flood() }
    if (!slow) return answer
    return { ...answer, body: drip(answer, { sleep, pause: slow.milliseconds ?? 10_000 }) }
  }
}

function replyAsTold({ status = 200, body = '', headers = {} }: FaultOptions['respond']): Reply {
  const told = Object.entries(headers).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    value,
  ])
  const isText = typeof body === 'string'
  const answer = reply(status, { headers: told, body: isText ? body : JSON.stringify(body) })
  const typed = told.some(([name]) => name === 'content-type')
  return isText || typed ? answer : withHeader(answer, ['content-type', 'application/json'])
}

function refusalReply(refusal: TokenRefusal): Reply {
  const [status, what, extra] = refusal.split(' ') as [string, string, string?]
  const answer = withBody(Number(status), { what, suberror: extra === 'suberror' })
  if (extra !== 'challenge') return answer
  return withHeader(answer, ['www-authenticate', `Bearer realm="oauth", error="${what}"`])
}

function withBody(status: number, { what, suberror }: { what: string; suberror: boolean }): Reply {
  if (what === 'empty') return reply(status)
  if (what === 'html') return html(status)
  const error = { error: what, ...(suberror && { suberror: 'consent_required' }) }
  const body = what === 'json' ? { message: 'Forbidden' } : error
  return reply(status, {
    headers: [['content-type', 'application/json']],
    body: JSON.stringify(body),
  })
}

function drip(
  answer: Reply,
  { sleep, pause }: { sleep: Sleep; pause: number },
): ReadableStream<Uint8Array> {
  const bytes = utf8(typeof answer.body === 'string' ? answer.body : '')
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      await sleep(pause)
      controller.enqueue(bytes.slice(at, at + 10))
      at += 10
      if (at >= bytes.length) controller.close()
    },
  })
}

function flood(): ReadableStream<Uint8Array> {
  let begun = false
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(utf8(begun ? 'x'.repeat(16 * 1024) : '{"access_token":"'))
      begun = true
    },
  })
}
