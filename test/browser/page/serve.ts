import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface PageOptions {
  clients: {
    issuer: string
    clientId: string
    resources: string[]
    store?: 'session' | 'indexed-db'
    timeout?: number
    /** What every sign-in asks for. */
    signIn?: { prompt?: string }
  }[]
  /** Starts a sign-in without anybody asking for it. */
  signsInByItself?: boolean
}

/** Serves one page with the <script> build, at every path of an origin of its own, under a strict policy. */
export async function servePage(
  options: PageOptions,
): Promise<{ url: string; close: () => Promise<unknown> }> {
  const connect = options.clients.flatMap(({ issuer, resources }) => [issuer, ...resources])
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `connect-src ${connect.map((url) => new URL(url).origin).join(' ')}`,
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
  const scripts: Record<string, URL> = {
    '/pkce-client.js': new URL('../../../dist/pkce-client.iife.js', import.meta.url),
    '/app.js': new URL('app.js', import.meta.url),
  }
  const server = createServer((request, response) => {
    const script = scripts[request.url!]
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html; charset=utf-8')
    response.setHeader('content-security-policy', policy)
    response.end(script ? readFileSync(script) : html)
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
