import { defineConfig } from 'vitest/config'

// Here `pkce-client` is the built package: what Node and Vite find through its own `exports`.
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    environment: 'node',
    // One browser at a time.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 30_000,
    onConsoleLog: (line) => !line.startsWith('oidc-provider '),
  },
})
