// Bundles each benchmark as an app would be bundled, on the built package, and runs it in a process of its own.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
const outdir = join(root, 'node_modules/.cache/pkce-client-bench')
const all = ['size', 'hot-path', 'cold-start', 'storm']
const asked = process.argv.slice(2)
const programs = { size: 'print-sizes' }

const inNode = [
  'print-sizes',
  'hot-path',
  'cold-start',
  'cold-start-ours',
  'cold-start-glue',
  'cold-start-timer',
  'storm',
]
const inPage = ['hot-path-page']

const sources = (names) => names.map((name) => join(root, `test/bench/${name}.ts`))
const shared = {
  alias: {
    'pkce-client': join(root, 'dist/index.js'),
    'pkce-client/testing': join(root, 'dist/testing.js'),
  },
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  format: 'esm',
}
await build({
  ...shared,
  entryPoints: sources(inNode),
  // They find what belongs to them beside themselves.
  external: ['esbuild', 'playwright-core'],
  platform: 'node',
  target: 'node20',
})
await build({
  ...shared,
  entryPoints: sources(inPage),
  // The reference server listens in Node only.
  external: ['node:*'],
  platform: 'browser',
  target: 'es2022',
})

for (const name of asked.length > 0 ? asked : all) {
  const program = join(outdir, `${programs[name] ?? name}.mjs`)
  const { status } = spawnSync(process.execPath, [program], { stdio: 'inherit', cwd: root })
  if (status !== 0) process.exitCode = 1
}
rmSync(outdir, { recursive: true, force: true })
