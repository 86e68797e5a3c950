import type { Wire } from './wire.ts'

/** What an app has asked an API for. */
interface Call {
  readonly body: string | undefined
  /** Whose data it is to be answered with; `undefined` when the page did not know. */
  readonly owner: string | undefined
  /** How often the API has done what it says. */
  executed: number
  /** The app has been told that it failed. */
  failed: boolean
}

/** The calls of all pages, and what the APIs have made of them. */
export interface Calls {
  /** Every broken rule, in words. */
  readonly wrongs: readonly string[]
  /** Makes a call, which `send` is to send to the URL it is given. Rejects with what that rejects with, unless the answer was lost. */
  make(call: CallOptions, send: (url: string) => Promise<Response>): Promise<Response | undefined>
  /** The API executes the next call, and its answer does not arrive. */
  loseAnswer(): void
  /** All is well from now on. */
  calm(): void
  /** Watches what is sent. */
  watching(fetch: typeof globalThis.fetch): typeof globalThis.fetch
}

interface CallOptions {
  url: string
  body?: string
  owner: string | undefined
}

const lost = new TypeError('fetch failed')

/** Follows each call by an ID in its URL. */
export function createCalls({ familyOf }: Pick<Wire, 'familyOf'>): Calls {
  const wrongs: string[] = []
  const calls = new Map<string, Call>()
  let losing = 0

  /** The API has said 2xx. */
  async function execute(id: string, { headers, answer }: Exchange): Promise<void> {
    const call = calls.get(id)!
    call.executed += 1
    if (call.executed > 1) wrongs.push(`call ${id} was executed ${call.executed} times`)
    if (call.failed) wrongs.push(`call ${id} was executed after it had failed`)
    const sub = familyOf(headers.get('authorization')?.split(' ')[1])?.sub
    if (call.owner !== undefined && sub !== call.owner)
      wrongs.push(`call ${id} of ${call.owner} was executed for ${sub}`)
    if (call.body === undefined) return
    const { body } = (await answer.clone().json()) as { body?: string }
    if (body !== call.body) wrongs.push(`call ${id} arrived with the body ${body}`)
  }

  return {
    wrongs,
    async make({ url, body, owner }, send) {
      const id = String(calls.size + 1)
      const call: Call = { body, owner, executed: 0, failed: false }
      calls.set(id, call)
      try {
        return await send(`${url}?call=${id}`)
      } catch (error) {
        call.failed = true
        if (error !== lost) throw error
        return undefined
      }
    },
    loseAnswer: () => void (losing += 1),
    calm: () => void (losing = 0),
    watching: (fetch) => async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      const answer = await fetch(input, init)
      const id = url.searchParams.get('call')
      if (id === null || !answer.ok) return answer
      await execute(id, { headers: new Headers(init?.headers), answer })
      if (losing === 0) return answer
      losing -= 1
      throw lost
    },
  }
}

interface Exchange {
  headers: Headers
  answer: Response
}
