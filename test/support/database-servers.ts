import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from './free-port.ts'
import { installDebianPackage, obtain } from './install.ts'
import type { ChildProcess, SpawnOptions } from 'node:child_process'

/** A server of this test run's own, on loopback, with its own data. */
export interface DatabaseServer {
  url: string
  port: number
  /** As when its machine loses power. */
  kill(): Promise<void>
  /** Starts it again after `kill`, on the same port, with what it kept. */
  start(): Promise<void>
  /** Ends it, and removes its data. */
  stop(): Promise<void>
}

/** Starts a Redis server. It keeps nothing when it is killed, unless it is to write everything down. */
export async function startRedis(
  options: { keepsData?: boolean; cluster?: boolean } = {},
): Promise<DatabaseServer> {
  const program = obtain({
    name: 'a Redis server',
    places: () => ['redis-server', 'valkey-server'],
    install: [installDebianPackage('redis-server')],
    advice: 'install Redis (on Debian: apt-get install redis-server)',
  })
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'pkce-client-redis-'))
  const args = [
    ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
    ...(options.keepsData ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []),
    ...(options.cluster ? ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] : []),
  ]
  const start = () => begin(program, args, { ready: /Ready to accept connections/ })
  return serve({ url: `redis://127.0.0.1:${port}`, port, folder, start })
}

/** Starts a PostgreSQL server with an empty database. */
export async function startPostgres(): Promise<DatabaseServer> {
  const program = obtain({
    name: 'a PostgreSQL server',
    places: postgresPlaces,
    install: [installDebianPackage('postgresql')],
    advice: 'install PostgreSQL (on Debian: apt-get install postgresql)',
  })
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'pkce-client-postgres-'))
  const account = postgresAccount()
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid)
  const create = ['-D', folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']
  execFileSync(join(dirname(program), 'initdb'), create, { ...account, stdio: 'pipe' })
  const settings = [
    ...['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'],
    'max_connections=200',
  ]
  const args = ['-D', folder, '-p', `${port}`, ...settings.flatMap((one) => ['-c', one])]
  const ready = /database system is ready to accept connections/
  const start = () => begin(program, args, { ready, ...account })
  return serve({ url: `postgres://postgres@127.0.0.1:${port}/postgres`, port, folder, start })
}

function postgresPlaces(): string[] {
  const root = '/usr/lib/postgresql'
  const versions = locateFolders(root).sort((one, other) => Number(other) - Number(one))
  return [...versions.map((version) => join(root, version, 'bin', 'postgres')), 'postgres']
}

function locateFolders(root: string): string[] {
  try {
    return readdirSync(root)
  } catch {
    return []
  }
}

/** PostgreSQL refuses to run as root: its package brings an account for it. */
function postgresAccount() {
  const cwd = tmpdir()
  if (process.getuid?.() !== 0) return { cwd }
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g'), cwd }
}

/** Resolves when the server has said that it is ready. */
async function begin(
  ...[program, args, { ready, ...options }]: [string, string[], SpawnOptions & { ready: RegExp }]
): Promise<ChildProcess> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const listen = (text: Buffer) => {
      said += text.toString()
      if (ready.test(said)) resolve()
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.on('error', reject)
    child.on('exit', () => reject(new Error(`${program} ended:\n${said}`)))
  })
  return child
}

async function serve({
  url,
  port,
  folder,
  start,
}: {
  url: string
  port: number
  folder: string
  start: () => Promise<ChildProcess>
}): Promise<DatabaseServer> {
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const ending = child
    child = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const over = once(ending, 'exit')
    ending.kill(signal)
    await over
  }
  const begin = async () => void (child = await start())
  // Also when the test run is stopped.
  process.on('exit', () => child?.kill('SIGKILL'))
  await begin()
  return {
    url,
    port,
    kill: () => end('SIGKILL'),
    start: begin,
    async stop() {
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
