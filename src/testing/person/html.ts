/** What of a page's HTML a visitor acts on. Scripts are not run. */
export interface Form {
  action: URL
  method: 'GET' | 'POST'
  /** With the values that the page filled in. */
  fields: URLSearchParams
}

export function readForms(html: string, url: URL): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, tag = '', content = '']) => {
    const { action = '', method } = attributesOf(tag)
    return {
      action: new URL(action === '' ? url.href : action, url),
      method: method?.toUpperCase() === 'POST' ? 'POST' : 'GET',
      fields: fieldsOf(content),
    }
  })
}

const unsent = ['submit', 'button', 'image', 'reset', 'file']

function fieldsOf(html: string): URLSearchParams {
  const fields = new URLSearchParams()
  for (const [, tag = ''] of html.matchAll(/<input\b([^>]*)>/gi)) {
    const { name, value = '', type = 'text', checked } = attributesOf(tag)
    const isChoice = type === 'checkbox' || type === 'radio'
    const isSent = !unsent.includes(type) && (!isChoice || checked !== undefined)
    if (name !== undefined && isSent) fields.append(name, value === '' && isChoice ? 'on' : value)
  }
  return fields
}

/** Where the page leads on by itself at once, with `<meta http-equiv="refresh" content="0; url=…">`. */
export function readRefresh(html: string, url: URL): URL | undefined {
  for (const [, tag = ''] of html.matchAll(/<meta\b([^>]*)>/gi)) {
    const attributes = attributesOf(tag)
    const { content = '' } = attributes
    if (attributes['http-equiv']?.toLowerCase() !== 'refresh') continue
    const to = /^\s*0\s*[;,]\s*(?:url\s*=\s*)?(['"]?)(.*?)\1\s*$/i.exec(content)?.[2]
    if (to !== undefined) return new URL(to, url)
  }
  return undefined
}

/** The links of a page, by the text in them. */
export function readLink(html: string, { text, url }: { text: string; url: URL }): URL | undefined {
  for (const [, tag = '', content = ''] of html.matchAll(/<a\b([^>]*)>(.*?)<\/a>/gis)) {
    const { href } = attributesOf(tag)
    const shown = unescapeHtml(content.replace(/<[^>]*>/g, '')).trim()
    if (href !== undefined && shown === text) return new URL(href, url)
  }
  return undefined
}

function attributesOf(tag: string): Partial<Record<string, string>> {
  const attribute = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g
  return Object.fromEntries(
    [...tag.matchAll(attribute)].map(([, name, double, single, bare]) => [
      name!.toLowerCase(),
      unescapeHtml(double ?? single ?? bare ?? ''),
    ]),
  )
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

export function unescapeHtml(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&#x([\da-f]+);/gi, (_, code: string) => String.fromCodePoint(parseInt(code, 16)))
    .replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => entities[name]!)
}
