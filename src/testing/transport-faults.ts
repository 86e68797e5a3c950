import type { Context } from './context.ts'
import { utf8 } from './encoding.ts'
import type { Circumstances, FaultBoard, FaultOptions } from './faults.ts'
import { reply, withHeader } from './http.ts'
import type { Outcome, Reply } from './http.ts'

/** Waits by the clock that was handed to the server. */
export type Sleep = (milliseconds: number) => Promise<void>

/** What happens instead of processing the request, if anything does. */
export function instead(
  { faults }: Pick<Context, 'faults'>,
  circumstances: Circumstances,
): Outcome | undefined {
  if (faults.use('network-error', circumstances)) return 'connection-lost'
  if (faults.see('hang', circumstances)?.processed !== true) {
    if (faults.use('hang', circumstances)) return 'silence'
  }
  const told = faults.use('respond', circumstances)
  if (told) return replyAsTold(told)
  const later = faults.use('try-later', circumstances)
  if (later) {
    return reply(later.status ?? 503, {
      headers: [['retry-after', String(later.retryAfter ?? 60)]],
    })
  }
  const away = faults.use('redirect-token', circumstances)
  if (away) {
    const to = away.to ?? 'https://elsewhere.example/token'
    return reply(away.status ?? 307, { headers: [['location', to]] })
  }
  return undefined
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

/** What happens to an answer on its way back. */
export async function afterwards(
  answer: Reply,
  {
    faults,
    circumstances,
    sleep,
  }: { faults: FaultBoard; circumstances: Circumstances; sleep: Sleep },
): Promise<Outcome> {
  if (faults.use('drop-response', circumstances)) return 'connection-lost'
  if (faults.use('hang', circumstances)) return 'silence'
  const late = faults.use('slow-headers', circumstances)
  if (late) await sleep(late.milliseconds ?? 60_000)
  const slow = faults.use('slow-body', circumstances)
  if (slow) return { ...answer, body: drip(answer, { sleep, pause: slow.milliseconds ?? 10_000 }) }
  if (faults.use('infinite-body', circumstances)) return { ...answer, body: flood() }
  return answer
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
