import { defineConfig } from 'vitest/config'
import unit from './vitest.config.ts'

// The tests that drive the protocol and fetch. Those of the reference server and of the documentation say nothing about a mutant.
const folders = ['protocol', 'flows', 'session', 'conformance', 'attacks']

export default defineConfig({
  ...unit,
  test: { ...unit.test, include: folders.map((folder) => `test/${folder}/**/*.test.ts`) },
})
