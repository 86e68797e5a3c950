import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { additionBudgets, sizeBudgets } from './budgets.ts'

interface Size {
  bytes: number
  ceiling: number
  aim: number
}

/** What a way of importing costs, measured on the built package as an app's bundler would take it in. */
export async function measureSize(
  directory: string,
  name: keyof typeof sizeBudgets,
): Promise<Size> {
  const { imports, bytes: ceiling, aim } = sizeBudgets[name]
  return { bytes: await bundledSize(directory, imports), ceiling, aim }
}

/** What one more import adds to the main job. */
export async function measureAddition(
  directory: string,
  name: keyof typeof additionBudgets,
): Promise<Size> {
  const { bytes: ceiling, aim } = additionBudgets[name]
  const { imports } = sizeBudgets['the main job']
  const more = `import { ${name} } from 'pkce-client'; globalThis.more = [${name}]`
  const [alone, together] = await Promise.all(
    [imports, `${imports}; ${more}`].map((program) => bundledSize(directory, program)),
  )
  return { bytes: together! - alone!, ceiling, aim }
}

/** The main job as one readable file. */
export const readMainJob = (directory: string): Promise<string> =>
  bundle(directory, { program: sizeBudgets['the main job'].imports, minify: false })

async function bundledSize(directory: string, program: string): Promise<number> {
  return gzipSync(await bundle(directory, { program, minify: true }), { level: 9 }).length
}

/** A program as one file. */
export async function bundle(
  directory: string,
  { program, minify }: { program: string; minify: boolean },
): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: directory },
    alias: { 'pkce-client': join(directory, 'dist/index.js') },
    bundle: true,
    minify,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    write: false,
  })
  return outputFiles[0]!.text
}
