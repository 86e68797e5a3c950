import type { IncomingMessage, Server, ServerResponse } from 'node:http'

import type { Choices } from '../check-options.ts'
import type { Send, Sent } from './in-process-fetch.ts'
import type { AuthServerOptions } from './options.ts'
import { apisOf } from './place.ts'
import type { Place } from './place.ts'

/** The options of {@link AuthServer.listen}. */
export interface ListenOptions {
  /** The port of the authorization server. Default: any free port. */
  port?: number | undefined
  /** The port of the protected API. Default: any free port. */
  apiPort?: number | undefined
  /** The ports of the option `otherApis`, in its order. Default: any free ports. */
  otherApiPorts?: readonly number[] | undefined
  /** A loopback address, because the passwords are public. Default: 127.0.0.1. */
  host?: '127.0.0.1' | 'localhost' | '::1' | undefined
}

export const listenChoices: Choices<ListenOptions> = {
  port: 'anything',
  apiPort: 'anything',
  otherApiPorts: 'array',
  host: 'anything',
}

/** The doors of one server: what answers a request, and where the URLs of its requests begin. */
interface Door {
  port: number
  host: string
  origin(): string
}

/** One door for the server, then one for each API. */
export function doorsOf(place: Place, options: ListenOptions): Door[] {
  const { port = 0, apiPort = 0, otherApiPorts = [], host = '127.0.0.1' } = options
  return [
    { port, host, origin: () => new URL(place.issuer).origin },
    ...apisOf(place).map((_, index) => ({
      port: [apiPort, ...otherApiPorts][index] ?? 0,
      host,
      origin: () => new URL(apisOf(place)[index]!.url).origin,
    })),
  ]
}

/** What nobody gave an address to is at its door from now on. */
export function moveTo(
  place: Place,
  { urls, options }: { urls: readonly string[]; options: AuthServerOptions },
): void {
  const [issuer, apiUrl, ...otherUrls] = urls
  if (options.issuer === undefined) place.issuer = issuer!
  if (options.apiUrl === undefined) place.apiUrl = `${apiUrl!}/`
  for (const [index, api] of place.otherApis.entries()) {
    if (options.otherApis?.[index]?.url === undefined) api.url = `${otherUrls[index]!}/`
  }
  place.listens = true
}

/** Opens all doors or none. */
export async function openDoors(
  doors: readonly Door[],
  answer: Send,
): Promise<{ urls: string[]; close(): Promise<void> }> {
  const servers: Server[] = []
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(stop))
  }
  const urls: string[] = []
  try {
    for (const door of doors) {
      const { server, url } = await openDoor(door, answer)
      servers.push(server)
      urls.push(url)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { urls, close }
}

async function openDoor(door: Door, answer: Send): Promise<{ server: Server; url: string }> {
  if (!['127.0.0.1', 'localhost', '::1'].includes(door.host)) {
    throw new Error(`The reference server listens on this machine only, not on ${door.host}.`)
  }
  const { createServer } = await import('node:http')
  const server = createServer(
    (request, response) => void serve(door, { request, response, answer }),
  )
  const port = await start(server, door)
  const host = door.host === '::1' ? '[::1]' : door.host
  return { server, url: `http://${host}:${port}` }
}

function start(server: Server, { port, host }: Door): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error & { code?: string }) => {
      const taken = error.code === 'EADDRINUSE'
      reject(taken ? new Error(`Port ${port} of ${host} is taken.`, { cause: error }) : error)
    })
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function serve(
  door: Door,
  {
    request,
    response,
    answer,
  }: { request: IncomingMessage; response: ServerResponse; answer: Send },
): Promise<void> {
  try {
    const outcome = await answer(await read(door, request))
    if (outcome === 'silence') return
    if (outcome === 'connection-lost') {
      request.socket.destroy()
      return
    }
    const headers = new Map<string, string[]>()
    for (const [name, value] of outcome.headers) {
      headers.set(name, [...(headers.get(name) ?? []), value])
    }
    for (const [name, values] of headers) response.setHeader(name, values)
    response.statusCode = outcome.status
    if (typeof outcome.body === 'string') response.end(outcome.body)
    else await pour(outcome.body, response)
  } catch {
    request.socket.destroy()
  }
}

async function read(door: Door, request: IncomingMessage): Promise<Sent> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return {
    method: request.method ?? 'GET',
    // Joined, not resolved: a path that begins with two slashes must not change the host.
    url: new URL(door.origin() + (request.url ?? '/')),
    headers,
    body: await new Blob(chunks as BlobPart[]).text(),
  }
}

async function pour(body: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
  const reader = body.getReader()
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  for (;;) {
    const { done, value } = await reader.read()
    if (done || response.destroyed) break
    if (!response.write(value)) {
      const drained = new Promise<void>((resolve) => response.once('drain', resolve))
      await Promise.race([drained, closed])
    }
  }
  await reader.cancel()
  response.end()
}
