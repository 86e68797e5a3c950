import { createServer } from 'node:http'
import { PkceClientError } from '../errors.ts'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

// Says nothing of whether it worked: that is known only once the code was exchanged, and the program says it.
const page = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>Back to the terminal</title>
  <p>You can close this page and go back to the terminal.</p>
</html>
`

/** Listens on this machine for the answer to one sign-in. Everything else is 404, and the wait goes on. */
export function listenForAnswer({ port, path }: { port: number; path: string }) {
  let redirectUri: string
  let receive: ((url: string) => boolean) | undefined
  let delivered = Promise.resolve()
  const server = createServer(({ method, url = '' }, response) => {
    const query = method === 'GET' && url.startsWith(`${path}?`) && url.slice(path.length)
    // The address that the browser asked for is not believed: it could name any host.
    if (!query || !receive?.(redirectUri + query)) return send(response, 404, 'Not found.\n')
    delivered = new Promise((done) => response.once('close', done))
    send(response, 200, page)
  })
  const address = new Promise<string>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(port, cause)))
    server.listen(port, '127.0.0.1', () => {
      redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
      resolve(redirectUri)
    })
  })

  return {
    /** The redirect URI. */
    address,

    /** From now on, each request to the path is offered to `answer`. */
    offerTo(answer: (url: string) => boolean): void {
      receive = answer
    },

    close(): void {
      server.close()
      // Browsers open connections in advance, which would keep the process alive.
      void delivered.then(() => server.closeAllConnections())
    },
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  const type = status === 200 ? 'text/html' : 'text/plain'
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': "default-src 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  })
  response.end(body)
}

function cannotListen(port: number, cause: Error): PkceClientError {
  return new PkceClientError(
    'invalid_option',
    `Cannot listen on port ${port} of 127.0.0.1; close the program that uses it, or leave out the option port.`,
    { retryable: true, cause },
  )
}
