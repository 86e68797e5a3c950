import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'
import unit from './vitest.config.ts'

// The tests that drive the protocol and fetch. Those of the reference server and of the documentation say nothing about
// a mutant, and those of stores, tabs, storms and another server say late what these say soon.
const include = ['test/{protocol,flows,conformance,attacks}/**/*.test.ts']
const late = [
  'flows/{tabs,storm,stores,two-clients}',
  'conformance/oidc-provider',
  'attacks/return-to',
]
const exclude = late.map((name) => `test/${name}.test.ts`)

/** What is nearest to the protocol first: a mutant is over with the first test that fails. */
class NearestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const distance = ({ moduleId }: TestSpecification) => (moduleId.includes('/protocol/') ? 0 : 1)
    return Promise.resolve(files.sort((a, b) => distance(a) - distance(b)))
  }
}

export default defineConfig({
  ...unit,
  test: { ...unit.test, include, exclude, isolate: false, sequence: { sequencer: NearestFirst } },
})
