import type { CookieJar } from 'pkce-client/testing'

/** What the person does at the pages of the server: signs in under a name, agrees to everything, or clicks Cancel. */
export interface Visit {
  jar: CookieJar
  login?: string
  cancels?: boolean
}

/**
 * Plays a person in a browser at oidc-provider's development pages, until one of them leads away from the server, which
 * is the address it resolves to. Rejects with status and text of a page where there is nothing to be done.
 */
export async function visit(
  start: string | URL,
  { jar, login = 'ada', cancels = false }: Visit,
): Promise<URL> {
  let page = await load(jar, new URL(start))
  for (;;) {
    const { url, response } = page
    const location = response.headers.get('location')
    const next = location === null ? undefined : new URL(location, url)
    if (next && next.origin !== url.origin) return next
    const text = await response.text()
    if (next) {
      page = await load(jar, next)
      continue
    }
    const form = /<form[^>]* action="([^"]+)"/.exec(text)?.[1]
    if (form === undefined) throw new Error(`${response.status} ${text}`)
    const cancel = /<a href="([^"]+\/abort)"/.exec(text)?.[1]
    page =
      cancels && cancel !== undefined
        ? await load(jar, new URL(cancel, url))
        : await load(jar, new URL(form, url), filledIn(text, login))
  }
}

function filledIn(text: string, login: string): URLSearchParams {
  const fields = new URLSearchParams()
  for (const [input] of text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
    fields.set(/name="([^"]*)"/.exec(input)![1]!, /value="([^"]*)"/.exec(input)![1]!)
  }
  if (text.includes('name="login"')) fields.set('login', login)
  // The button of the page that asks whether to sign out.
  if (text.includes('name="logout"')) fields.set('logout', 'yes')
  return fields
}

async function load(jar: CookieJar, url: URL, body?: URLSearchParams) {
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { cookie: jar.header(url) ?? '', accept: 'text/html' },
    ...(body && { method: 'POST', body }),
  })
  for (const cookie of response.headers.getSetCookie()) jar.store(url, cookie)
  return { url, response }
}
