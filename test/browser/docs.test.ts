import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from 'playwright-core'
import * as testing from 'pkce-client/testing'
import { loadApp } from '../docs/app.ts'
import { root, snippetsOf } from '../docs/markdown.ts'
import { createSuite, expect as expectOf } from '../docs/playwright-test.ts'
import { launch } from './browser.ts'

const document = 'docs/testing-your-app.md'

/** A page around the greeting that the document has as an example of an app's code. */
const main = `
  import { PkceClient } from 'pkce-client'
  const { issuer, api } = await (await fetch('/config')).json()
  const auth = new PkceClient({
    issuer,
    clientId: 'sandbox-app',
    redirectUri: location.origin + '/callback',
    scope: 'openid profile offline_access',
    resources: [api],
  })
  await auth.start().catch(() => {})
  const button = document.body.appendChild(document.createElement('button'))
  button.textContent = 'Sign in'
  button.onclick = () => auth.signIn().catch(() => {})
  document.body.append(await greeting(auth, api))
`

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

/** Serves the app on this machine; what the paths answer is asked each time. */
async function serve(answers: Record<string, () => [type: string, body: string]>) {
  const server = createServer((request, response) => {
    const page = answers['/']!
    const [type, body] = (answers[request.url ?? ''] ?? page)()
    response.setHeader('content-type', type)
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}/`, close }
}

test('the Playwright tests of docs/testing-your-app.md pass in a real browser', async () => {
  const { code } = snippetsOf(document).find(({ name }) => name === 'greeting.ts')!
  const { outputFiles } = await build({
    stdin: { contents: code + main, resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'esm',
    write: false,
  })
  let place = { issuer: '', api: '' }
  const app = await serve({
    '/': () => ['text/html', '<!doctype html><script type="module" src="/main.js"></script>'],
    '/main.js': () => ['text/javascript', outputFiles[0]!.text],
    '/config': () => ['application/json', JSON.stringify(place)],
  })
  const suite = createSuite()
  // The ports that the document writes down may be taken here.
  const createAuthServer: typeof testing.createAuthServer = (options) => {
    const server = testing.createAuthServer(options)
    const listen: typeof server.listen = async () => {
      const door = await server.listen()
      place = { issuer: door.url, api: door.apiUrl }
      return door
    }
    return Object.create(server, { listen: { value: listen } }) as typeof server
  }
  process.env['APP_URL'] = app.url
  try {
    await loadApp(document, {
      'pkce-client/testing': { ...testing, createAuthServer },
      '@playwright/test': { test: suite.test, expect: expectOf },
    }).run('sign-in.spec')
    const names = await suite.run(async () => (await browser.newContext()).newPage())
    expect(names).toHaveLength(2)
  } finally {
    delete process.env['APP_URL']
    app.close()
  }
})
