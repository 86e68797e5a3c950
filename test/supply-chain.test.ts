import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

interface Manifest {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  scripts?: Record<string, string>
}
interface Locked extends Manifest {
  version?: string
  integrity?: string
  resolved?: string
  hasInstallScript?: boolean
}

const root = join(import.meta.dirname, '..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const manifest = JSON.parse(read('package.json')) as Manifest
const lock = JSON.parse(read('package-lock.json')) as {
  lockfileVersion: number
  packages: Record<string, Locked>
}
const installed = Object.entries(lock.packages).filter(([path]) => path !== '')

describe('the supply chain', () => {
  it('has one dependency at run time', () => {
    expect(Object.keys(manifest.dependencies!)).toEqual(['oauth4webapi'])
    expect(Object.keys(manifest)).not.toContain('optionalDependencies')
    expect(Object.keys(manifest)).not.toContain('peerDependencies')
  })

  it('pins every tool to one version', () => {
    for (const [name, range] of Object.entries(manifest.devDependencies!))
      expect(`${name}@${range}`).toMatch(/@\d+\.\d+\.\d+$/)
    expect(read('.npmrc')).toContain('save-exact=true')
  })

  it('has a lockfile that fits, and is not ignored', () => {
    expect(lock.packages['']).toMatchObject({
      dependencies: manifest.dependencies,
      devDependencies: manifest.devDependencies,
    })
    expect(read('.gitignore')).not.toContain('package-lock')
    for (const [name, version] of Object.entries(manifest.devDependencies!))
      expect(lock.packages[`node_modules/${name}`]?.version).toBe(version)
  })

  it('has a hash for everything that is installed, and takes nothing from elsewhere than a registry', () => {
    expect(installed.length).toBeGreaterThan(100)
    for (const [path, { integrity, resolved = 'https://' }] of installed) {
      expect(`${path} ${integrity}`).toMatch(/ sha512-[\w+/]{86}==$/)
      expect(resolved).toMatch(/^https:\/\//)
    }
  })

  it('runs nothing when it is installed', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare']
    expect(Object.keys(manifest.scripts!).filter((name) => hooks.includes(name))).toEqual([])
    expect(lock.packages['node_modules/oauth4webapi']!.hasInstallScript).toBeUndefined()
    // Of the tools: esbuild fetches its binary, fsevents is for macOS only.
    const running = installed.filter(([, { hasInstallScript }]) => hasInstallScript)
    expect(running.map(([path]) => path.split('/').at(-1))).toEqual(
      running.map(([path]) => (path.endsWith('fsevents') ? 'fsevents' : 'esbuild')),
    )
  })
})
