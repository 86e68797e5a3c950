import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { sizeBudgets } from './budgets.ts'

/** What a way of importing costs, measured on the built package as an app's bundler would take it in. */
export async function measureSize(
  directory: string,
  name: keyof typeof sizeBudgets,
): Promise<{ bytes: number; ceiling: number; aim: number }> {
  const { imports, bytes: ceiling, aim } = sizeBudgets[name]
  const { outputFiles } = await build({
    stdin: { contents: imports, resolveDir: directory },
    alias: { 'pkce-client': join(directory, 'dist/index.js') },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    write: false,
  })
  return { bytes: gzipSync(outputFiles[0]!.contents, { level: 9 }).length, ceiling, aim }
}
