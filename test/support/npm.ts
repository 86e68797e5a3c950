import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Runs a program to its end and gives what it printed; an exit code other than 0 fails with the same. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Record<string, string> },
): string {
  try {
    const options = { cwd, encoding: 'utf8', stdio: 'pipe' } as const
    return execFileSync(program, args, { ...options, env: { ...process.env, ...env } }).trim()
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error([program, ...args].join(' ') + '\n' + stdout + stderr, { cause: error })
  }
}

/** Packs a folder into a new one below `place`; the path of the tarball. */
export function pack(folder: string, place: string, options: readonly string[] = []): string {
  const into = mkdtempSync(join(place, 'tarball-'))
  run('npm', ['pack', '--silent', '--pack-destination', into, ...options], { cwd: folder })
  return join(into, readdirSync(into)[0]!)
}
