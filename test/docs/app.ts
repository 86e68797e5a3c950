import * as pkceClient from 'pkce-client'
import * as node from 'pkce-client/node'
import * as server from 'pkce-client/server'
import * as testing from 'pkce-client/testing'
import { toScript } from './compile.ts'
import { snippetsOf } from './markdown.ts'

export type Exports = Record<string, unknown>

/** One page load of the app that a document describes: each block runs once, as a module. */
export interface App {
  run(name: string): Promise<Exports>
  /** What was printed with `console.log`. */
  readonly printed: readonly unknown[]
}

/** @param modules what blocks may import beside this package and each other */
export function loadApp(document: string, modules: Record<string, object> = {}): App {
  const snippets = snippetsOf(document)
  const printed: unknown[] = []
  const loaded = new Map<string, Promise<Exports>>()
  const ready = new Map<string, Exports>()
  const known: Record<string, object> = {
    'pkce-client': pkceClient,
    'pkce-client/node': node,
    'pkce-client/server': server,
    'pkce-client/testing': testing,
    ...modules,
  }

  function find(specifier: string) {
    const name = specifier.replace(/^\.\//, '')
    const found = snippets.find(
      (one) => one.name === name || one.name.replace(/\.tsx?$/, '') === name,
    )
    if (!found) throw new Error(`${document} has no block ${name}`)
    return found
  }

  function run(name: string): Promise<Exports> {
    const snippet = find(name)
    const running = loaded.get(snippet.name) ?? evaluate(snippet)
    loaded.set(snippet.name, running)
    return running
  }

  async function evaluate(snippet: ReturnType<typeof find>): Promise<Exports> {
    for (const [, specifier] of snippet.code.matchAll(/from '(\.\/[^']+)'/g)) await run(specifier!)
    const exports: Exports = {}
    const require = (specifier: string) => {
      if (specifier.startsWith('./')) return ready.get(find(specifier).name)
      const module = known[specifier]
      if (!module)
        throw new Error(`${snippet.name} imports ${specifier}, which the test does not provide`)
      return { ...module, __esModule: true }
    }
    const console = { log: (...what: unknown[]) => void printed.push(...what) }
    const AsyncFunction = (async () => {}).constructor as FunctionConstructor
    const script = new AsyncFunction('require', 'exports', 'console', toScript(snippet)) as (
      ...given: unknown[]
    ) => Promise<void>
    await script(require, exports, console)
    ready.set(snippet.name, exports)
    return exports
  }

  return { run, printed }
}
