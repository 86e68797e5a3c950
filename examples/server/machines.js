import { fork } from 'node:child_process'
import { createServer, request } from 'node:http'

/** @typedef {import('./machine.js').Machine} Machine */

/**
 * Several processes of the app, and a small proxy in front that gives each request to the next of them. Whoever is gone is
 * left out.
 * @param {number} count
 * @param {Machine} machine
 */
export async function startMachines(count, machine) {
  /** @type {Awaited<ReturnType<typeof startProcess>>[]} */
  const started = []
  // One after the other: the first one makes the tables.
  while (started.length < count)
    started.push(await startProcess({ ...machine, port: 0, behindProxy: true }))
  const alive = new Set(started)
  for (const one of started) one.process.once('exit', () => alive.delete(one))

  const proxy = createServer(async (incoming, outgoing) => {
    /** @type {Buffer[]} */
    const chunks = []
    for await (const chunk of incoming) chunks.push(chunk)
    // The next one first.
    for (const one of [...alive]) {
      alive.delete(one)
      alive.add(one)
      if (await passOn(one.port, { incoming, outgoing, body: Buffer.concat(chunks) })) return
    }
    if (!outgoing.headersSent) outgoing.writeHead(503, { 'retry-after': '1' })
    outgoing.end()
  })
  await new Promise((listening, failed) =>
    proxy.once('error', failed).listen(machine.port, '127.0.0.1', () => listening(undefined)),
  )
  return {
    processes: started.map((one) => one.process),
    async close() {
      for (const { process } of alive) process.kill()
      await new Promise((closed) => {
        proxy.close(closed)
        proxy.closeAllConnections()
      })
    },
  }
}

/**
 * @param {Machine} machine
 * @returns {Promise<{ process: import('node:child_process').ChildProcess, port: number }>}
 */
function startProcess(machine) {
  const child = fork(new URL('machine.js', import.meta.url))
  return new Promise((resolve, reject) => {
    child.once('message', (message) =>
      resolve({ process: child, port: /** @type {{ port: number }} */ (message).port }),
    )
    child.once('exit', (code) =>
      reject(new Error(`A machine ended with ${code} before it listened.`)),
    )
    child.send(machine)
  })
}

/**
 * Resolves to whether the machine has answered. What it has begun to answer is not asked of another one.
 * @param {number} port
 * @param {{ incoming: import('node:http').IncomingMessage, outgoing: import('node:http').ServerResponse, body: Buffer }} exchange
 * @returns {Promise<boolean>}
 */
function passOn(port, { incoming, outgoing, body }) {
  const { method, url: path, headers, socket } = incoming
  const forwarded = { ...headers, 'x-forwarded-for': socket.remoteAddress ?? '' }
  return new Promise((resolve) => {
    const onward = request({ port, host: '127.0.0.1', method, path, headers: forwarded })
    onward.once('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing).once('finish', () => resolve(true))
      answer.once('error', () => {
        outgoing.destroy()
        resolve(true)
      })
    })
    // A request that changed something may have been carried out; one that reads is asked of the next machine.
    onward.once('error', () => resolve(outgoing.headersSent || method !== 'GET'))
    onward.end(body)
  })
}
