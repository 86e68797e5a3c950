import { basename } from 'node:path'
import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'
import { unit } from './vitest.config.ts'

// A config of its own, because Stryker can name a config file but no project, and the order of the tests cannot be set for
// one project.

// The tests that drive the protocol and fetch. Those of the reference server and of the documentation say nothing about
// a mutant, and those of stores, locks, tabs and storms say late what these say soon.
const late = [
  ...['blocked-storage', 'failing-stores', 'hanging-stores', 'late-storage', 'newer-version'],
  ...['refused-locks', 'stored-contents', 'stores', 'storm', 'tabs', 'two-clients'],
]
const lateAtServers = ['chaos', 'hosts', 'machines', 'stores']
const include = ['test/{protocol,flows,server}/**/*.test.ts', 'test/api/global-fetch.test.ts']
const exclude = [
  ...late.map((name) => `test/flows/${name}{.test.ts,/**}`),
  ...lateAtServers.map((name) => `test/server/${name}{.test.ts,/**}`),
]

/** What is nearest to the mutated file first: a mutant is over with the first test that fails. */
class NearestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { related } = this.ctx.config as { related?: string[] }
    const name = basename(related?.length === 1 ? related[0]! : '', '.ts')
    const distance = ({ moduleId }: TestSpecification) => {
      if (name && moduleId.slice(moduleId.lastIndexOf('/test/')).includes(`/${name}`)) return 0
      return moduleId.includes('/protocol/') ? 1 : 2
    }
    return Promise.resolve(files.sort((a, b) => distance(a) - distance(b)))
  }
}

export default defineConfig({
  ...unit,
  test: { ...unit.test, include, exclude, isolate: false, sequence: { sequencer: NearestFirst } },
})
