import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface PageOptions {
  clients: {
    issuer: string
    clientId: string
    resources: (string | { url: string; resource: string })[]
    store?: 'session' | 'indexed-db'
    timeout?: number
    /** Names of capabilities. */
    use?: 'dpop'[]
    redirectUri?: string
    /** What every sign-in asks for. */
    signIn?: { prompt?: string }
  }[]
  /** Starts a sign-in without anybody asking for it. */
  signsInByItself?: boolean
  /** The text of another app, in place of the one of `app.js`. */
  script?: string
  /** Sent with every page. */
  headers?: Record<string, string>
  /** For apps that can keep everything in memory. */
  inMemory?: boolean
}

/** Serves one page with the <script> build, at every path of an origin of its own, under a strict policy. */
export async function servePage({
  script,
  headers = {},
  ...options
}: PageOptions): Promise<{ url: string; close: () => Promise<unknown> }> {
  const connect = options.clients.flatMap(({ issuer, resources }) => [
    issuer,
    ...resources.map((entry) => (typeof entry === 'string' ? entry : entry.url)),
  ])
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `connect-src ${connect.map((url) => new URL(url).origin).join(' ')}`,
    `frame-src 'self' ${options.clients.map(({ issuer }) => new URL(issuer).origin).join(' ')}`,
    'img-src data:',
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
  const html = `<!doctype html>
<html lang="en">
<title>A page without a build</title>
<link rel="icon" href="data:,">
<script type="application/json" id="options">${JSON.stringify(options)}</script>
<script src="/pkce-client.js" defer></script>
<script src="/app.js" defer></script>
`
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
  const scripts: Record<string, () => string> = {
    '/pkce-client.js': () => read('../../../dist/pkce-client.iife.js'),
    '/app.js': () => script ?? read('app.js'),
  }
  const server = createServer((request, response) => {
    const asked = scripts[request.url!]
    response.setHeader('content-type', asked ? 'text/javascript' : 'text/html; charset=utf-8')
    response.setHeader('content-security-policy', policy)
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.end(asked?.() ?? html)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}
