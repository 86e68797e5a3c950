import { checkOptions } from '../check-options.ts'
import type { Choices } from '../check-options.ts'
import { createCookieJar } from './cookie-jar.ts'
import type { CookieJar } from './cookie-jar.ts'
import type { Reply } from '../server/http.ts'
import type { Send } from '../server/in-process-fetch.ts'
import type { User } from '../server/options.ts'

/** What the user of {@link AuthServer.authorize} does. */
export interface AuthorizeOptions {
  /** Default: the first user. */
  username?: string | undefined
  /** Default: the user's. */
  password?: string | undefined
  /** What the user types as the second factor, if it is asked for. Default: the user's. */
  oneTimeCode?: string | undefined
  /** Whether the user allows or denies access on the consent page, if it is shown. Default: true. */
  consent?: boolean | undefined
  /** The cookies of the user's browser. Default: none, so not signed in at the server. */
  jar?: CookieJar | undefined
}

const choices: Choices<AuthorizeOptions> = {
  username: 'anything',
  password: 'anything',
  oneTimeCode: 'anything',
  consent: [true, false],
  jar: 'anything',
}

interface Person {
  send: Send
  issuer: string
  users: readonly User[]
}

/** Plays the person: opens the URL, fills in the forms, and returns the URL the app is called back with. */
export async function playPerson(
  { send, issuer, users }: Person,
  { url, options }: { url: string | URL; options: AuthorizeOptions },
): Promise<string> {
  checkOptions(options, { of: 'authorize', choices })
  const start = new URL(url)
  if (start.origin !== new URL(issuer).origin) {
    throw new Error(`${start.href} is not a URL of the authorization server ${issuer}.`)
  }
  const jar = options.jar ?? createCookieJar()
  const username = options.username ?? users[0]?.username ?? ''
  const known = users.find((user) => user.username === username)
  const browse = createBrowser(send, jar)
  let page = await browse({ url: start })
  const done = new Set<string>()
  const answers: Partial<Record<string, Record<string, string>>> = {
    login: { username, password: options.password ?? known?.password ?? '' },
    second_factor: { code: options.oneTimeCode ?? known?.oneTimeCode ?? '123456' },
    consent: { decision: (options.consent ?? true) ? 'allow' : 'deny' },
  }
  for (;;) {
    const location = page.reply.headers.find(([name]) => name === 'location')?.[1]
    if (location !== undefined) {
      const next = new URL(location, page.url)
      if (!isOwnPage(next, issuer)) return next.href
      page = await browse({ url: next })
      continue
    }
    const form = readForm(page)
    if (!form) throw new Error(complaint(page))
    const step = form.action.pathname.split('/').at(-1)!
    if (step !== 'consent' && done.has(step)) throw new Error(complaint(page))
    done.add(step)
    for (const [name, value] of Object.entries(answers[step] ?? {})) form.fields.set(name, value)
    page = await browse({ url: form.action, form: form.fields })
  }
}

/** A page that follows a form, and no answer to the app. */
function isOwnPage({ href }: URL, issuer: string): boolean {
  const base = issuer.replace(/\/$/, '')
  return ['/second_factor', '/consent'].some((path) => href.startsWith(`${base}${path}?`))
}

interface Page {
  url: URL
  reply: Reply
  html: string
}

function createBrowser(
  send: Send,
  jar: CookieJar,
): (to: { url: URL; form?: URLSearchParams }) => Promise<Page> {
  return async ({ url, form }) => {
    const cookie = jar.header(url)
    const outcome = await send({
      method: form ? 'POST' : 'GET',
      url,
      headers: {
        accept: 'text/html',
        ...(cookie !== undefined && { cookie }),
        ...(form && {
          'content-type': 'application/x-www-form-urlencoded',
          origin: url.origin,
        }),
      },
      body: form?.toString() ?? '',
    })
    if (typeof outcome === 'string') {
      throw new TypeError(`The page ${url.href} could not be loaded (${outcome}).`)
    }
    for (const [name, value] of outcome.headers) if (name === 'set-cookie') jar.store(url, value)
    return { url, reply: outcome, html: typeof outcome.body === 'string' ? outcome.body : '' }
  }
}

function readForm(page: Page): { action: URL; fields: URLSearchParams } | undefined {
  const action = /<form method="post" action="([^"]*)"/.exec(page.html)?.[1]
  if (action === undefined) return undefined
  const fields = new URLSearchParams()
  for (const [, name, value] of page.html.matchAll(
    /<input type="hidden" name="([^"]*)" value="([^"]*)"/g,
  )) {
    fields.set(name!, unescapeHtml(value!))
  }
  return { action: new URL(unescapeHtml(action), page.url), fields }
}

function complaint(page: Page): string {
  const sentence = /<p role="alert">([^<]*)</.exec(page.html)?.[1]
  const said = sentence === undefined ? '' : ` and says: ${unescapeHtml(sentence)}`
  return `The authorization server answers ${page.reply.status} at ${page.url.pathname}${said}`
}

function unescapeHtml(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
}
