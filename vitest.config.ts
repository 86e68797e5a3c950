import { defineConfig } from 'vitest/config'
import type { TestProjectInlineConfiguration } from 'vitest/config'

// What an app imports by name is, in these tests, the source.
const alias = [
  { find: /^pkce-client$/, replacement: new URL('./src/index.ts', import.meta.url).pathname },
  {
    find: /^pkce-client\/devtools$/,
    replacement: new URL('./src/devtools/index.ts', import.meta.url).pathname,
  },
  {
    find: /^pkce-client\/node$/,
    replacement: new URL('./src/node/index.ts', import.meta.url).pathname,
  },
  {
    find: /^pkce-client\/server$/,
    replacement: new URL('./src/server/index.ts', import.meta.url).pathname,
  },
  {
    find: /^pkce-client\/testing$/,
    replacement: new URL('./src/testing/index.ts', import.meta.url).pathname,
  },
]

const packageTests = [
  'test/package.test.ts',
  'test/cli.test.ts',
  'test/next.test.ts',
  'test/examples/production-bundle.test.ts',
  'test/conformance/oidc-provider.test.ts',
]
const browserTests = ['test/browser/**/*.test.ts']
const databaseTests = ['test/server/{stores,machines}/**/*.test.ts']

export const unit = {
  resolve: { alias },
  test: {
    name: 'unit',
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    exclude: [...packageTests, ...browserTests, ...databaseTests],
    environment: 'node',
    // Nothing is slow but the machine: type checks and signatures, on two busy cores.
    testTimeout: 30_000,
    restoreMocks: true,
    unstubGlobals: true,
    expandSnapshotDiff: true,
  },
} satisfies TestProjectInlineConfiguration

// What a user gets: the package built, packed and installed, and the build against a certified server.
const packed = {
  test: {
    name: 'package',
    include: packageTests,
    environment: 'node',
    // Packing builds the package anew, and nobody can import it meanwhile.
    fileParallelism: false,
    sequence: { groupOrder: 1 },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
} satisfies TestProjectInlineConfiguration

// Here `pkce-client` is the built package: what Node and Vite find through its own `exports`.
const browser = {
  test: {
    name: 'browser',
    include: browserTests,
    environment: 'node',
    // One browser at a time.
    fileParallelism: false,
    sequence: { groupOrder: 2 },
    testTimeout: 60_000,
    hookTimeout: 30_000,
  },
} satisfies TestProjectInlineConfiguration

// With servers of Redis and PostgreSQL of its own.
const databases = {
  resolve: { alias },
  test: {
    name: 'databases',
    include: databaseTests,
    environment: 'node',
    globalSetup: 'test/support/database-setup.ts',
    // What they measure is time.
    fileParallelism: false,
    sequence: { groupOrder: 3 },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
} satisfies TestProjectInlineConfiguration

export default defineConfig({
  test: {
    projects: [unit, packed, browser, databases],
    onConsoleLog: (line) => !line.startsWith('oidc-provider '),
  },
})
