// Installs the peers in a folder of their own, starts Redis, and runs each part in a process of its own.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
// Outside of test/, where the type check would find the peers' sources.
const folder = join(root, 'node_modules/.cache/pkce-client-bench-server')
const all = ['session', 'requests', 'storm', 'tokens']
const asked = process.argv.slice(2)

mkdirSync(folder, { recursive: true })
cpSync(import.meta.dirname, folder, { recursive: true })
if (!existsSync(join(folder, 'node_modules/jose'))) {
  const install = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--silent']
  const { status } = spawnSync('npm', install, { cwd: folder, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
const link = join(folder, 'node_modules/pkce-client')
rmSync(link, { force: true, recursive: true })
symlinkSync(root, link, 'dir')

const port = await freePort()
const redis = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', ''], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
redis.once('error', () => {
  console.error('Install Redis to run this bench (on Debian: apt-get install redis-server).')
  process.exit(1)
})
for await (const line of redis.stdout) if (/Ready to accept/.test(line)) break

const env = { ...process.env, REDIS_URL: `redis://127.0.0.1:${port}` }
for (const name of asked.length > 0 ? asked : all) {
  const child = spawn(process.execPath, [join(folder, `${name}.js`)], {
    cwd: folder,
    env,
    stdio: 'inherit',
  })
  const [status] = await once(child, 'exit')
  if (status !== 0) process.exitCode = 1
}
redis.kill()

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: free } = server.address()
  server.close()
  return String(free)
}
