import type { Clock } from '../../clock.ts'
import { checkOptions } from '../check-options.ts'
import type { Choices } from '../check-options.ts'
import { createCookieJar } from '../person/cookie-jar.ts'
import type { CookieJar } from '../person/cookie-jar.ts'
import { readForms, readLink } from '../person/html.ts'
import { answersOf, complaint } from '../person/person.ts'
import type { PageAnswers } from '../person/person.ts'
import { parseUrl } from '../server/url.ts'
import { fillIn } from './form.ts'
import type { FormToSend } from './form.ts'
import type { Journey } from './journey.ts'
import { blank, initiatorOf, loadPage, navigation } from './load.ts'
import type { VisitorPage } from './load.ts'
import { createNetwork } from './network.ts'
import type { Handle, Network, VisitedServer } from './network.ts'
import { fetchAsScript } from './script.ts'

/** The options of {@link createVisitor}. */
export interface VisitorOptions {
  /** Where the app is. Default: `https://app.example.com`. */
  origin?: string | undefined
  /** Answers at its issuer and its APIs. Without it, nobody does. */
  server?: VisitedServer | undefined
  /** Cookies expire by it. Default: the machine's clock. */
  clock?: Clock | undefined
  /** Whether the browser says who asks (`Sec-Fetch-Site` and so on); those of before 2023 do not. Default: true. */
  fetchMetadata?: boolean | undefined
}

/** What can be said about a page load. */
export interface LoadOptions {
  /** Aborts it: somebody closes the tab, or clicks Stop. */
  signal?: AbortSignal | undefined
}

/** One tab of somebody's browser. */
export interface Visitor {
  /** What the tab shows. */
  readonly page: VisitorPage
  /** The cookies, which all tabs share. */
  readonly jar: CookieJar
  /** Types an address. */
  goto(url: string | URL, options?: LoadOptions): Promise<VisitorPage>
  /** Clicks a link of the page: one with this text, or to this URL. */
  follow(link: string | URL, options?: LoadOptions): Promise<VisitorPage>
  /** Submits a form: the first one of the page, or what is described. */
  submit(form?: FormToSend, options?: LoadOptions): Promise<VisitorPage>
  /** Loads the page again, asked for by whoever asked the first time. */
  reload(options?: LoadOptions): Promise<VisitorPage>
  /** A script of the page sends a request. Rejects where CORS forbids it. */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
  /** The page shows an image or a frame. Resolves to the status of the answer, 0 where nobody answers. */
  embed(as: 'image' | 'frame', url: string | URL): Promise<number>
  /** Fills in the pages of the authorization server until they lead back. Rejects with what an error page says. */
  signIn(username?: string, options?: PageAnswers): Promise<VisitorPage>
  /** Another tab: at the app's front page, or at a page of another site, whose links, forms and scripts it then plays. Loads nothing. */
  openTab(url?: string | URL): Visitor
}

const choices: Choices<VisitorOptions> = {
  origin: 'anything',
  server: 'anything',
  clock: 'anything',
  fetchMetadata: [true, false],
}

/**
 * Somebody with a browser, who visits an app that is a function from `Request` to `Response`. Cookies (SameSite and prefixes
 * included), redirects, pages in between, and the headers that say who asks are those of real browsers, the strictest where they
 * differ. Scripts are not run.
 */
export function createVisitor(handle: Handle, options: VisitorOptions = {}): Visitor {
  checkOptions(options, { of: 'createVisitor', choices })
  const { origin = 'https://app.example.com', server, clock, fetchMetadata = true } = options
  if (parseUrl(origin)?.origin !== origin) {
    throw new Error(
      `origin must be a scheme, a host and a port, no more; it is ${JSON.stringify(origin)}.`,
    )
  }
  const jar = createCookieJar({ clock })
  const parts = { handle, server, origin, jar, sendsFetchMetadata: fetchMetadata }
  return openTab({ network: createNetwork(parts), server, front: new URL(origin) })
}

interface Browser {
  network: Network
  server: VisitedServer | undefined
  front: URL
}

function openTab(browser: Browser, start = browser.front): Visitor {
  const { network, front } = browser
  let shown = blank(start)

  const resolve = (url: string | URL): URL => new URL(url, shown.page.url)
  const load = async (journey: Journey, { signal }: LoadOptions = {}): Promise<VisitorPage> => {
    shown = await loadPage(network, { journey, signal })
    return shown.page
  }
  const leave = (url: URL): Journey => navigation(url, initiatorOf(shown.page))

  const visitor: Visitor = {
    get page() {
      return shown.page
    },
    jar: network.jar,
    goto: (url, how) => load(navigation(new URL(url, front), undefined), how),
    follow: (link, how) => load(leave(linkOf(shown.page, link) ?? resolve(link)), how),
    async submit(form = {}, how) {
      const { page } = shown
      const sent = await fillIn(form, { html: page.text, url: new URL(page.url) })
      const journey = leave(sent.url)
      if (sent.type !== undefined) journey.headers.set('content-type', sent.type)
      return load({ ...journey, method: sent.method, body: sent.body }, how)
    },
    async reload(how) {
      if (!shown.journey) throw new Error('The tab is empty: there is nothing to load again.')
      return load(shown.journey, how)
    },
    fetch: (input, init = {}) =>
      fetchAsScript(network, { page: initiatorOf(shown.page), url: resolve(input), init }),
    async embed(as, url) {
      const { response } = await network.follow({
        ...leave(resolve(url)),
        kind: as,
        isByPerson: false,
      })
      await response?.body?.cancel()
      return response?.status ?? 0
    },
    signIn: (username, answers) => signIn(visitor, { server: browser.server, username, answers }),
    openTab: (url) => openTab(browser, url === undefined ? undefined : new URL(url)),
  }
  return visitor
}

function linkOf({ text, url }: VisitorPage, link: string | URL): URL | undefined {
  return readLink(text, { text: String(link), url: new URL(url) })
}

interface SignIn {
  server: VisitedServer | undefined
  username: string | undefined
  answers: PageAnswers | undefined
}

async function signIn(
  visitor: Visitor,
  { server, username, answers }: SignIn,
): Promise<VisitorPage> {
  const isAtServer = (): boolean =>
    server !== undefined && new URL(visitor.page.url).origin === new URL(server.issuer).origin
  if (!server || !isAtServer()) {
    const { url } = visitor.page
    throw new Error(`The visitor is at ${url}, not at the pages of an authorization server.`)
  }
  const filled = answersOf(server.users, { ...answers, username })
  const done = new Set<string>()
  while (isAtServer()) {
    const { page } = visitor
    const form = readForms(page.text, new URL(page.url))[0]
    const step = form?.action.pathname.split('/').at(-1) ?? ''
    if (!form || done.has(step)) throw new Error(complaint(page))
    done.add(step)
    await visitor.submit({ fields: filled[step] ?? {} })
  }
  return visitor.page
}
