import { checkOptions } from '../check-options.ts'
import type { Choices } from '../check-options.ts'
import { readForms } from '../person/html.ts'

/** A form that somebody submits. */
export interface FormToSend {
  /** Where it goes. Default: where the first form of the page goes. The page need not have a form for it. */
  action?: string | URL | undefined
  /** Default: as the form of the page says, else POST. */
  method?: 'GET' | 'POST' | undefined
  /** What is filled in; the other fields of the page's form keep their values. */
  fields?: Readonly<Record<string, string>> | undefined
  /** Default: `application/x-www-form-urlencoded`. */
  encoding?: (typeof encodings)[number] | undefined
}

const encodings = [
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
] as const

const choices: Choices<FormToSend> = {
  action: 'anything',
  method: ['GET', 'POST'],
  fields: 'anything',
  encoding: encodings,
}

interface SentForm {
  url: URL
  method: 'GET' | 'POST'
  body: string
  type: string | undefined
}

/** What submitting it sends. */
export async function fillIn(
  form: FormToSend,
  { html, url }: { html: string; url: URL },
): Promise<SentForm> {
  checkOptions(form, { of: 'submit', choices })
  const { action, encoding = encodings[0] } = form
  const to = action === undefined ? undefined : new URL(action, url)
  const onPage = readForms(html, url).find((one) => !to || one.action.href === to.href)
  const target = to ?? onPage?.action
  if (!target) throw new Error(`The page ${url.href} has no form.`)
  const fields = onPage?.fields ?? new URLSearchParams()
  for (const [name, value] of Object.entries(form.fields ?? {})) fields.set(name, value)
  const method = form.method ?? onPage?.method ?? 'POST'
  if (method === 'POST') return { url: target, method, ...(await encode(fields, encoding)) }
  return { url: withQuery(target, fields), method, body: '', type: undefined }
}

function withQuery(target: URL, fields: URLSearchParams): URL {
  const url = new URL(target)
  url.search = fields.toString()
  return url
}

async function encode(
  fields: URLSearchParams,
  encoding: (typeof encodings)[number],
): Promise<{ body: string; type: string }> {
  if (encoding === 'text/plain') {
    return {
      body: [...fields].map(([name, value]) => `${name}=${value}\r\n`).join(''),
      type: encoding,
    }
  }
  if (encoding !== 'multipart/form-data') return { body: fields.toString(), type: encoding }
  const form = new FormData()
  fields.forEach((value, name) => form.append(name, value))
  const holder = new Response(form)
  return { body: await holder.text(), type: holder.headers.get('content-type')! }
}
