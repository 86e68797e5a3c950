import { defineConfig } from 'vitest/config'

// What an app imports by name is, in these tests, the source.
const alias = [
  { find: /^pkce-client$/, replacement: new URL('./src/index.ts', import.meta.url).pathname },
  {
    find: /^pkce-client\/testing$/,
    replacement: new URL('./src/testing/index.ts', import.meta.url).pathname,
  },
]

export default defineConfig({
  resolve: { alias },
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    exclude: ['test/browser/**', 'test/package.test.ts', 'test/conformance/oidc-provider.test.ts'],
    environment: 'node',
    // Nothing is slow but the machine: type checks and signatures, on two busy cores.
    testTimeout: 30_000,
    restoreMocks: true,
    unstubGlobals: true,
    expandSnapshotDiff: true,
  },
})
