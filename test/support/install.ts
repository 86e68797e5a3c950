import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program that tests need. */
export interface Program {
  name: string
  /** Where it may be installed, best first: a path, or the name of a program on the PATH. */
  places: () => string[]
  /** Ways to get it where it is not installed, tried in order. */
  install: (() => void)[]
  advice: string
}

/** The path of a program, after getting it if there is none. Fails with a sentence that says what to install. */
export function obtain({ name, places, install, advice }: Program): string {
  const failures: string[] = []
  for (const attempt of [() => {}, ...install]) {
    try {
      attempt()
    } catch (error) {
      failures.push((error as Error).message.trim())
    }
    const path = places()
      .map(locate)
      .find((place) => place !== undefined)
    if (path !== undefined) return path
  }
  throw new Error(
    `The tests need ${name}, found none and could not get one: please ${advice}, then run them again. What was tried:\n${failures.join('\n')}`,
  )
}

/** The path of a program that is there. */
export function locate(place: string): string | undefined {
  if (place.includes('/') || place.includes('\\')) return existsSync(place) ? place : undefined
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, place)).find((path) => existsSync(path))
}

export function installDebianPackage(name: string): () => void {
  return () => {
    if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
      throw new Error('The distribution is not Debian, or this is not its administrator.')
    }
    runToInstall('apt-get', ['update'])
    runToInstall('apt-get', ['install', '-y', name])
  }
}

export function runToInstall(program: string, args: string[]): void {
  const shell = process.platform === 'win32'
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', shell })
}
