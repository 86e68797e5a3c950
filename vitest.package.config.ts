import { defineConfig } from 'vitest/config'

// What a user gets: the package built, packed and installed, and the build against a certified server.
export default defineConfig({
  test: {
    include: ['test/package.test.ts', 'test/conformance/oidc-provider.test.ts'],
    environment: 'node',
    // Packing builds the package anew, and nobody can import it meanwhile.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    onConsoleLog: (line) => !line.startsWith('oidc-provider '),
  },
})
