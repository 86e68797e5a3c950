import type { IncomingMessage, Server, ServerResponse } from 'node:http'

import type { Choices } from '../check-options.ts'
import type { Outcome } from './http.ts'
import type { Sent } from './in-process-fetch.ts'

/** The options of {@link AuthServer.listen}. */
export interface ListenOptions {
  /** The port of the authorization server. Default: any free port. */
  port?: number | undefined
  /** The port of the protected API. Default: any free port. */
  apiPort?: number | undefined
  /** A loopback address, because the passwords are public. Default: 127.0.0.1. */
  host?: '127.0.0.1' | 'localhost' | '::1' | undefined
}

export const listenChoices: Choices<ListenOptions> = {
  port: 'anything',
  apiPort: 'anything',
  host: 'anything',
}

/** The doors of one server: what answers a request, and where the URLs of its requests begin. */
interface Door {
  port: number
  host: string
  origin(): string
  answer(sent: Sent): Promise<Outcome>
}

/** Opens all doors or none. */
export async function openDoors(
  doors: readonly Door[],
): Promise<{ urls: string[]; close(): Promise<void> }> {
  const servers: Server[] = []
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(stop))
  }
  const urls: string[] = []
  try {
    for (const door of doors) {
      const { server, url } = await openDoor(door)
      servers.push(server)
      urls.push(url)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { urls, close }
}

async function openDoor(door: Door): Promise<{ server: Server; url: string }> {
  if (!['127.0.0.1', 'localhost', '::1'].includes(door.host)) {
    throw new Error(`The reference server listens on this machine only, not on ${door.host}.`)
  }
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => void serve(door, { request, response }))
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
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  try {
    const outcome = await door.answer(await read(door, request))
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
