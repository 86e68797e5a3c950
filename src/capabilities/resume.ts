import { isOneShot } from '../api/fetch.ts'
import { callable, checkOptions } from '../check-options.ts'
import { createState } from '../protocol/authorization.ts'
import { ownerOf } from '../session/record.ts'
import { createOnDemandFetch } from './on-demand.ts'
import { defineCapability } from './define-capability.ts'
import type { Rules } from '../check-options.ts'
import type { CapabilityParts, WrappedClient } from '../compose/hooks.ts'
import type { Capability } from './capability.ts'
import type { OwnedCall, SignInOnDemandOptions } from './on-demand.ts'

/** Options of {@link resumeAfterSignIn}. */
export interface ResumeAfterSignInOptions extends SignInOnDemandOptions {
  /** Methods of the requests that are kept; GET and HEAD when left out. */
  methods?: readonly string[] | undefined
}

const rules: Rules<ResumeAfterSignInOptions> = {
  ask: callable,
  methods: [
    (value: unknown) =>
      Array.isArray(value) && value.every((method) => typeof method === 'string' && method),
    'a list of methods, such as ["GET", "POST"]',
  ],
}

/**
 * Makes the capability of {@link signInOnDemand}, and more for a sign-in that leaves the page: the request of the call that
 * began it is kept in `sessionStorage` meanwhile, and `start()` gives it back as `resumed`, not sent, to the same tab and the
 * same user within ten minutes. Bodies of up to 64 kB are kept. Throws `invalid_option`.
 */
export function resumeAfterSignIn(given: ResumeAfterSignInOptions = {}): Capability {
  const { methods = ['GET', 'HEAD'], ...asked } = checkOptions(given, rules)
  const listed = new Set(methods.map((method) => method.toUpperCase()))
  return defineCapability({
    name: 'resumeAfterSignIn()',
    hooks(parts) {
      let client!: WrappedClient
      const { keep, take } = createKeptRequest({
        ...parts,
        session: () => client.session.current(),
        isAllowed: (request) =>
          listed.has(request.method.toUpperCase()) && client.isTarget(request),
      })
      return {
        wrap(plain, wrapped) {
          client = wrapped
          return createOnDemandFetch(plain, { ...parts, ...asked, client, keep, forget: take })
        },
        resumed: take,
      }
    },
  })
}

interface KeptRequestParts extends Pick<CapabilityParts, 'options' | 'ports'> {
  session: () => ReturnType<WrappedClient['session']['current']>
  /** Whether the method is listed, and the URL may receive a token. */
  isAllowed: (request: Request) => boolean
}

/** What is kept of a call. Anybody may have edited it. */
interface Kept {
  id: string
  /** When the call was made, in milliseconds of the local clock. */
  at: number
  owner: string | undefined
  url: string
  init: RequestInit
  body: number[]
}

const longestLife = 600_000
const largestBody = 65_536
/** Milliseconds that reading a body may take. A request made of a stream may never end. */
const readingTime = 1000

/** The one request that this tab keeps while the user signs in on another page. */
function createKeptRequest({ options, ports, session, isAllowed }: KeptRequestParts) {
  const { clock, host } = ports
  const name = `${options.key}|resume`

  async function bytesOf(request: Request): Promise<number[] | undefined> {
    const late = new Promise<undefined>((resolve) => {
      clock.setTimeout(() => resolve(undefined), readingTime)
    })
    const body = await Promise.race([request.blob().catch(() => {}), late])
    return body && body.size <= largestBody
      ? [...new Uint8Array(await body.arrayBuffer())]
      : undefined
  }

  function forget(): string | undefined {
    const stored = host.getTabItem(name)
    if (stored) host.setTabItem(name, '')
    // Where it cannot be removed, it could be used twice.
    return host.getTabItem(name) ? undefined : stored
  }

  return {
    /** Keeps the request of the call, and resolves to the id under which it is kept, if it is. */
    async keep({ request, init, owner, signal }: OwnedCall): Promise<string | undefined> {
      if (isOneShot(init?.body)) return undefined
      const input = typeof request === 'string' ? new URL(request, host.baseUrl()) : request
      const whole = new Request(input, init)
      const body = isAllowed(whole) && (await bytesOf(whole))
      if (!body || signal?.aborted) return undefined
      const { url, method, credentials, cache, redirect } = whole
      const headers = [...whole.headers]
      const id = createState()
      const kept: Kept = {
        id,
        at: clock.now(),
        owner,
        url,
        init: { method, headers, credentials, cache, redirect },
        body,
      }
      host.setTabItem(name, JSON.stringify(kept))
      return id
    },

    /** The request that is kept under the id, if the user who is signed in may send it. Nothing is kept afterwards. */
    take(id?: string): Request | undefined {
      try {
        const { at, owner, url, init, body, ...kept } = JSON.parse(forget() ?? '') as Kept
        const isYoung = Math.abs(clock.now() - at) <= longestLife
        const isTheirs = owner === undefined || owner === ownerOf(session()!)
        if (kept.id !== id || !isYoung || !isTheirs) return undefined
        const request = new Request(url, {
          ...init,
          ...(body.length > 0 && { body: new Uint8Array(body) }),
        })
        for (const header of ['authorization', 'dpop']) request.headers.delete(header)
        return isAllowed(request) ? request : undefined
      } catch {
        return undefined
      }
    },
  }
}
