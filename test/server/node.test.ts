import { Agent, createServer, request as nodeRequest } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { toNodeHandler, toRequest } from '../../src/server/node.ts'
import type { NodeRequest } from '../../src/server/node.ts'

type Handle = (request: Request) => Promise<Response | undefined>

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serve = (handle: Handle) => listen(toNodeHandler(handle))

/** What a client with full control over the first line gets to hear. */
function raw(
  url: string,
  options: { path?: string; method?: string; headers?: Record<string, string>; agent?: Agent },
) {
  return new Promise<string>((resolve, reject) => {
    nodeRequest(url, options, (answer: IncomingMessage) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => (text += part))
      answer.on('end', () => resolve(`${answer.statusCode!} ${text}`))
    })
      .on('error', reject)
      .end()
  })
}

const chunk = Buffer.alloc(64 * 1024, 'x')

/** A request as a server makes it. */
const madeBy = (facts: Partial<NodeRequest>): NodeRequest => ({
  method: 'POST',
  url: '/',
  headers: { 'content-length': '5' },
  httpVersionMajor: 1,
  readableDidRead: false,
  destroyed: false,
  on: () => {},
  pause: () => {},
  resume: () => {},
  ...facts,
})

describe('the Request', () => {
  const echo: Handle = async (request) =>
    Response.json({
      url: request.url,
      method: request.method,
      cookie: request.headers.get('cookie'),
      body: await request.text(),
    })

  test.each([
    ['/a/b?c=1', 'http://localhost/a/b?c=1'],
    ['//evil.example/a', 'http://localhost//evil.example/a'],
    ['http://evil.example/a?b', 'http://localhost/a?b'],
    ['http://evil.example', 'http://localhost/'],
    ['*', 'http://localhost/*'],
  ])('for %s has the URL %s, whatever Host says', async (path, url) => {
    const base = await serve(echo)
    const answer = await raw(base, { path, headers: { host: 'evil.example' } })
    expect(JSON.parse(answer.slice(4))).toMatchObject({ url })
  })

  test('has the origin of baseUrl when it is given', async () => {
    const base = await listen(toNodeHandler(echo, { baseUrl: 'https://app.example.com/below' }))
    expect(await (await fetch(`${base}/a`)).json()).toMatchObject({
      url: 'https://app.example.com/a',
    })
  })

  test('has method, headers and body', async () => {
    const base = await serve(echo)
    const init = { method: 'PATCH', body: 'hello', headers: { cookie: 'a=1; b=2' } }
    expect(await (await fetch(base, init)).json()).toMatchObject({
      method: 'PATCH',
      cookie: 'a=1; b=2',
      body: 'hello',
    })
    expect(await (await fetch(base, { method: 'POST' })).json()).toMatchObject({ body: '' })
  })

  test('streams an upload as fast as it is read, and no faster', async () => {
    let goOn!: () => void
    const slow = new Promise<void>((resolve) => (goOn = resolve))
    const base = await serve(async (request) => {
      let received = 0
      for await (const part of request.body as unknown as AsyncIterable<Uint8Array>) {
        received += part.length
        await slow
      }
      return new Response(String(received))
    })
    let sent = 0
    const body = new ReadableStream({
      pull: (controller) => (sent++ < 1000 ? controller.enqueue(chunk) : controller.close()),
    })
    const answer = fetch(base, { method: 'POST', body, duplex: 'half' } as RequestInit)
    let before: number
    do {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 200))
    } while (sent !== before)
    // What fits the buffers of both sides; without back-pressure it is all that there is.
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThan(500)
    goOn()
    expect(await (await answer).text()).toBe(String(1000 * chunk.length))
  })

  test('may be answered without reading the upload, and the connection lives on', async () => {
    const base = await serve(async (request) => {
      if (request.method === 'PUT') await request.body!.cancel()
      if (request.method === 'PATCH') {
        const reader = request.body!.getReader()
        await reader.read()
        await reader.cancel()
      }
      return new Response('done')
    })
    for (const method of ['POST', 'PUT', 'PATCH', 'POST'])
      expect(await (await fetch(base, { method, body: Buffer.alloc(2_000_000) })).text()).toBe(
        'done',
      )
  })

  test('is the same object for the same request', async () => {
    const base = await listen((req, res) => {
      toNodeHandler(async (request) => Response.json(request === toRequest(req)))(req, res)
    })
    expect(await (await fetch(base)).json()).toBe(true)
  })

  test.each<[string, (request: Request, left: Promise<void>) => Promise<unknown>]>([
    ['in the middle of its upload', async (request) => request.text()],
    ['before its upload is read', async (request, left) => left.then(() => request.text())],
  ])('is aborted when the client leaves, %s', async (_, read) => {
    let arrived!: () => void
    let told!: (outcome: unknown) => void
    const here = new Promise<void>((resolve) => (arrived = resolve))
    const over = new Promise((resolve) => (told = resolve))
    const base = await serve(async (request) => {
      const left = new Promise<void>((resolve) =>
        request.signal.addEventListener('abort', () => resolve()),
      )
      arrived()
      const outcome = await read(request, left).catch((error: unknown) => String(error))
      await left
      told(outcome)
      return undefined
    })
    const leaving = new AbortController()
    // Little: Node does not see a client leave while its connection is full of unread bytes.
    const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('a')) })
    const init = { method: 'POST', body, duplex: 'half', signal: leaving.signal } as RequestInit
    const answer = fetch(base, init)
    await here
    leaving.abort()
    await expect(answer).rejects.toThrow('abort')
    expect(await over).toBe('TypeError: The client has left.')
  })
})

describe('the answer', () => {
  test('has status, headers, and every cookie, those of others too', async () => {
    const handler = toNodeHandler(async () => {
      const response = new Response('teapot', { status: 418, headers: { 'x-one': '1' } })
      response.headers.append('set-cookie', 'a=1')
      response.headers.append('set-cookie', 'b=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT')
      return response
    })
    const base = await listen((req, res) => {
      res.setHeader('set-cookie', 'theirs=0')
      handler(req, res)
    })
    const answer = await fetch(base)
    expect(answer.status).toBe(418)
    expect(answer.headers.get('x-one')).toBe('1')
    expect(answer.headers.getSetCookie()).toEqual([
      'theirs=0',
      'a=1',
      'b=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ])
    expect(await answer.text()).toBe('teapot')
  })

  test('begins before its body does', async () => {
    let end!: () => void
    const base = await serve(async () => {
      const body = new ReadableStream({
        start: (controller) => void (end = () => controller.close()),
      })
      return new Response(body)
    })
    const answer = await fetch(base)
    expect(answer.status).toBe(200)
    end()
    expect(await answer.text()).toBe('')
  })

  test('is made as fast as the client reads it, and ends when the client leaves', async () => {
    let made = 0
    let cancelled!: () => void
    const over = new Promise<void>((resolve) => (cancelled = resolve))
    const base = await serve(async () => {
      const pull = (controller: ReadableStreamDefaultController) => {
        made++
        controller.enqueue(chunk)
      }
      return new Response(new ReadableStream({ pull, cancel: () => cancelled() }))
    })
    const leaving = new AbortController()
    const answer = await fetch(base, { signal: leaving.signal })
    await answer.body!.getReader().read()
    await new Promise((resolve) => setTimeout(resolve, 200))
    // What fits the buffers of both sides; without back-pressure it would be thousands.
    expect(made).toBeLessThan(500)
    leaving.abort()
    await over
  })

  test('to HEAD has no body, which whoever makes it is told', async () => {
    let cancelled = false
    const body = new ReadableStream({ cancel: () => void (cancelled = true) })
    const base = await serve(async () => new Response(body, { headers: { 'x-one': '1' } }))
    const answer = await fetch(base, { method: 'HEAD' })
    expect(answer.headers.get('x-one')).toBe('1')
    expect(await answer.text()).toBe('')
    expect(cancelled).toBe(true)
  })

  test('may have no body at all, and no cookies', async () => {
    const base = await serve(async () => new Response(null, { status: 204 }))
    const { status, headers } = await fetch(base)
    expect([status, headers.getSetCookie()]).toEqual([204, []])
  })

  test('that is complete aborts nothing, and leaves the connection to the next request', async () => {
    const ports: unknown[] = []
    const signals: AbortSignal[] = []
    const handler = toNodeHandler(async ({ signal }) => {
      signals.push(signal)
      return new Response('all of it')
    })
    const base = await listen((req, res) => {
      ports.push(req.socket.remotePort)
      handler(req, res)
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    for (let times = 0; times < 3; times += 1)
      expect(await raw(base, { agent })).toBe('200 all of it')
    expect(new Set(ports).size).toBe(1)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false])
  })

  test('that breaks off is cut, not ended', async () => {
    const base = await serve(async () => {
      let count = 0
      const pull = (controller: ReadableStreamDefaultController) =>
        count++ === 0 ? controller.enqueue(chunk) : controller.error(new Error('broken'))
      return new Response(new ReadableStream({ pull }))
    })
    await expect(fetch(base).then((answer) => answer.text())).rejects.toThrow()
  })
})

describe('what the handler leaves or throws', () => {
  const fail: Handle = () => Promise.reject(new Error('secret details'))

  test('is answered 404 or 500 without details', async () => {
    const base = await serve(async ({ url }) =>
      url.endsWith('/fail') ? fail(undefined!) : undefined,
    )
    const [missing, failed] = [await fetch(base), await fetch(`${base}/fail`)]
    expect([missing.status, failed.status]).toEqual([404, 500])
    expect(await failed.text()).toBe('Internal server error')
  })

  test('goes to next, where there is one', async () => {
    const base = await listen((req, res) => {
      const handle: Handle = async (request) =>
        request.url.endsWith('/fail') ? fail(request) : undefined
      toNodeHandler(handle)(req, res, (error) => res.end(String(error)))
    })
    expect(await (await fetch(base)).text()).toBe('undefined')
    expect(await (await fetch(`${base}/fail`)).text()).toBe('Error: secret details')
  })

  test.each(['TRACE'])('so does %s, which no Request can have', async (method) => {
    const base = await serve(async () => new Response('handled'))
    expect(await raw(base, { method })).toBe('404 Not found')
  })
})

describe('a body that a parser has read', () => {
  /** Reads the body like a parser, leaves `body`, then lets the handler read it. */
  async function parsed(body: unknown, type: string): Promise<string> {
    const handler = toNodeHandler(
      async (request) =>
        new Response(await request.text().catch((error: unknown) => String(error))),
    )
    const base = await listen(async (req, res) => {
      for await (const part of req) expect(part).toBeDefined()
      handler(Object.assign(req, { body }), res)
    })
    const init = { method: 'POST', body: 'as sent', headers: { 'content-type': type } }
    return (await fetch(base, init)).text()
  }
  const form = 'application/x-www-form-urlencoded'

  test.each<[string, unknown, string, string]>([
    ['JSON', { a: [1] }, 'application/json', '{"a":[1]}'],
    ['JSON of another name', { a: 1 }, 'application/problem+json; charset=utf-8', '{"a":1}'],
    ['a form', { a: '1', b: ['2', '& 3'] }, form, 'a=1&b=2&b=%26+3'],
    ['text', 'hello', 'text/plain', 'hello'],
    ['bytes', Buffer.from('hello'), 'application/octet-stream', 'hello'],
  ])('is made again from %s', async (_, body, type, text) => {
    expect(await parsed(body, type)).toBe(text)
  })

  test.each<[string, unknown, string]>([
    ['uploaded files', { note: 'a' }, 'multipart/form-data; boundary=x'],
    ['a nested form', { a: { b: '1' } }, form],
    ['a nested form after a plain field', { a: '1', b: { c: '2' } }, form],
    ['a list with something nested', { a: ['1', { b: '2' }] }, form],
    ['null', null, form],
    ['nothing', undefined, form],
    ['nothing of JSON', undefined, 'application/json'],
    ['fields of a type that only looks like a form', { a: '1' }, `text/plain; as=${form}`],
    ['fields of a type that only looks like JSON', { a: '1' }, 'text/plain; as=application/json'],
  ])('and made %s of it is an error that says what to do', async (_, body, type) => {
    expect(await parsed(body, type)).toContain('put toNodeHandler before the body parsers')
  })

  test('and made nothing of it is a mistake with the code of a wrong option', async () => {
    const request = toRequest(madeBy({ readableDidRead: true }))
    await expect(request.text()).rejects.toMatchObject({ code: 'invalid_option' })
  })

  test('is empty where it made empty bytes of it', async () => {
    const request = toRequest(madeBy({ readableDidRead: true, body: Buffer.alloc(0) }))
    expect(await request.text()).toBe('')
  })

  test('after the Request was made is found all the same', async () => {
    const base = await listen(async (req, res) => {
      toRequest(req)
      for await (const part of req) expect(part).toBeDefined()
      Object.assign(req, { body: 'parsed' })
      toNodeHandler(async (request) => new Response(await request.text()))(req, res)
    })
    expect(await (await fetch(base, { method: 'POST', body: 'sent' })).text()).toBe('parsed')
  })
})

test('a request of HTTP/2 has its method and path among the headers, where a Request has none', () => {
  const headers = { ':method': 'POST', ':path': '/a', accept: '*/*', missing: undefined }
  const request = toRequest(madeBy({ headers, httpVersionMajor: 2 }))
  expect(Object.fromEntries(request.headers)).toEqual({ accept: '*/*' })
})

test.each<[string, Partial<NodeRequest>, boolean]>([
  ['POST with a length', {}, true],
  ['POST in pieces', { headers: { 'transfer-encoding': 'chunked' } }, true],
  ['POST of HTTP/2, which needs no length', { headers: {}, httpVersionMajor: 2 }, true],
  ['POST that says nothing', { headers: {} }, false],
  ['POST with nothing', { headers: { 'content-length': '0' } }, false],
  ['GET with a length', { method: 'GET' }, false],
  ['HEAD of HTTP/2', { method: 'HEAD', headers: {}, httpVersionMajor: 2 }, false],
  ['a request without a method', { method: undefined }, false],
])('%s has a body: %s', (_, facts, has) => {
  const request = toRequest(madeBy(facts))
  expect(request.body !== null).toBe(has)
  expect(request.method).toBe(facts.method ?? ('method' in facts ? 'GET' : 'POST'))
})
