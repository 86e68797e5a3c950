import { PkceClient } from '../../src/index.ts'
import type { PkceClientOptions } from '../../src/index.ts'
import { createDevtools } from '../../src/devtools/index.ts'
import type { Devtools, Step } from '../../src/devtools/index.ts'
import { createWorld } from './world.ts'
import type { World, WorldOptions } from './world.ts'

/** A world whose clients are watched by devtools, which a page makes anew when it loads. */
export interface RecordedWorld extends World {
  devtools: Devtools
  steps: () => readonly Step[]
}

export function createRecordedWorld(
  options: WorldOptions = {},
  devtools = createDevtools(),
): RecordedWorld {
  const world = createWorld(options)
  world.client = (where = world.tab, overrides: Partial<PkceClientOptions> = {}) => {
    const auth = new PkceClient(
      devtools.observe({ ...world.options, ...where.ports, ...overrides }),
    )
    devtools.show(auth)
    return auth
  }
  return Object.assign(world, { devtools, steps: devtools.recording.steps })
}

/** The server's headers are on every answer, and its metadata are long. */
const dull = /^(?:content-type|issuer|.*_endpoint|jwks_uri)$/

/** Steps in one line each: `=>` navigates, `-x` is refused, `+` and `-` are checks. */
export function linesOf(steps: readonly Step[]): string[] {
  return steps.map((step) => {
    if (step.type === 'cut' || step.type === 'verdict') return `${step.type}: ${step.label}`
    const names = step.values.map(({ name }) => name).filter((name) => !dull.test(name))
    const checks = step.checks.map(({ holds }) => (holds ? '+' : '-')).join('')
    const values = step.type === 'note' && step.purpose !== 'values' ? [] : names
    const more = [values.length > 0 && `[${values.join(' ')}]`, checks].filter(Boolean)
    return [head(step), ...more].join(' ')
  })
}

function head(step: Exclude<Step, { type: 'cut' | 'verdict' }>): string {
  if (step.type === 'note') return `note: ${step.label}`
  const arrow = step.navigates ? '=>' : step.refused ? '-x' : '->'
  return `${step.from} ${arrow} ${step.to}: ${step.label}`
}
