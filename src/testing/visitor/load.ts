import { readRefresh } from '../person/html.ts'
import { currentUrl } from './journey.ts'
import type { Initiator, Journey } from './journey.ts'
import type { Network } from './network.ts'

/** The page that a tab shows. */
export interface VisitorPage {
  /** Where the journey ended. */
  readonly url: string
  /** 0 where nobody answers. */
  readonly status: number
  /** Of the answer. */
  readonly headers: Headers
  /** The body of the answer. */
  readonly text: string
  /** Every URL on the way here, pages in between included. The last one is `url`. */
  readonly way: readonly string[]
}

export interface Shown {
  page: VisitorPage
  /** The journey that led here, for a reload. */
  journey: Journey | undefined
}

export function blank(url: URL): Shown {
  const page = { url: url.href, status: 0, headers: new Headers(), text: '', way: [url.href] }
  return { page, journey: undefined }
}

/** A page load with GET, by a person. */
export function navigation(url: URL, initiator: Initiator | undefined): Journey {
  return {
    method: 'GET',
    urls: [url],
    initiator,
    kind: 'navigation',
    isByPerson: true,
    headers: new Headers({
      accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    }),
    body: '',
    mode: 'same-origin',
    credentials: 'include',
    isTainted: false,
  }
}

/** Loads a page, and those it leads on to by itself. */
export async function loadPage(
  network: Network,
  { journey: start, signal }: { journey: Journey; signal: AbortSignal | undefined },
): Promise<Shown> {
  let next = start
  const way: string[] = []
  while (way.length <= 20) {
    const { journey, response } = await network.follow(next, signal)
    way.push(...journey.urls.slice(next.urls.length - 1).map(({ href }) => href))
    const shown = { page: await read(journey, { response, way }), journey }
    const refresh = readRefresh(shown.page.text, currentUrl(journey))
    if (!refresh) return shown
    next = { ...navigation(refresh, initiatorOf(shown.page)), isByPerson: false }
  }
  throw new TypeError(`${start.urls[0].href} leads on to more than 20 pages.`)
}

async function read(
  journey: Journey,
  { response, way }: { response: Response | undefined; way: readonly string[] },
): Promise<VisitorPage> {
  return {
    url: currentUrl(journey).href,
    status: response?.status ?? 0,
    headers: response?.headers ?? new Headers(),
    text: (await response?.text()) ?? '',
    way: [...way],
  }
}

/** A page, as the one who asks for other pages. */
export function initiatorOf({ url, headers }: VisitorPage): Initiator {
  return { url: new URL(url), referrerPolicy: headers.get('referrer-policy') ?? '' }
}
