import { checkOptions } from '../check-options.ts'
import type { Choices } from '../check-options.ts'
import { createCookieJar } from './cookie-jar.ts'
import type { CookieJar } from './cookie-jar.ts'
import { readForms, unescapeHtml } from './html.ts'
import type { Reply } from '../server/http.ts'
import type { Send } from '../server/in-process-fetch.ts'
import type { User } from '../server/options.ts'

/** What somebody does at the pages of the server. */
export interface PageAnswers {
  /** Default: the user's. */
  password?: string | undefined
  /** What the user types as the second factor, if it is asked for. Default: the user's. */
  oneTimeCode?: string | undefined
  /** Whether the user allows or denies access on the consent page, if it is shown. Default: true. */
  consent?: boolean | undefined
}

/** What the user of {@link AuthServer.authorize} does. */
export interface AuthorizeOptions extends PageAnswers {
  /** Default: the first user. */
  username?: string | undefined
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
  const browse = createBrowser(send, jar)
  let page = await browse({ url: start })
  const done = new Set<string>()
  const answers = answersOf(users, options)
  for (;;) {
    const location = page.reply.headers.find(([name]) => name === 'location')?.[1]
    if (location !== undefined) {
      const next = new URL(location, page.url)
      if (!isOwnPage(next, issuer)) return next.href
      page = await browse({ url: next })
      continue
    }
    const form = readForms(page.text, page.url)[0]
    if (!form) throw new Error(complaintOf(page))
    const step = form.action.pathname.split('/').at(-1)!
    if (step !== 'consent' && done.has(step)) throw new Error(complaintOf(page))
    done.add(step)
    for (const [name, value] of Object.entries(answers[step] ?? {})) form.fields.set(name, value)
    page = await browse({ url: form.action, form: form.fields })
  }
}

/** What is filled in at each page, by the last part of the form's path. */
export function answersOf(
  users: readonly Pick<User, 'username' | 'password' | 'oneTimeCode'>[],
  options: AuthorizeOptions,
): Partial<Record<string, Record<string, string>>> {
  const username = options.username ?? users[0]?.username ?? ''
  const known = users.find((user) => user.username === username)
  return {
    login: { username, password: options.password ?? known?.password ?? '' },
    second_factor: { code: options.oneTimeCode ?? known?.oneTimeCode ?? '123456' },
    consent: { decision: (options.consent ?? true) ? 'allow' : 'deny' },
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
  text: string
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
    return { url, reply: outcome, text: typeof outcome.body === 'string' ? outcome.body : '' }
  }
}

const complaintOf = ({ url, reply, text }: Page): string =>
  complaint({ url: url.href, status: reply.status, text })

/** What a page says that no form leads on from. */
export function complaint(page: { url: string; status: number; text: string }): string {
  const sentence = /<p role="alert">([^<]*)</.exec(page.text)?.[1]
  const said = sentence === undefined ? '' : ` and says: ${unescapeHtml(sentence)}`
  const { pathname } = new URL(page.url)
  return `The authorization server answers ${page.status} at ${pathname}${said}`
}
