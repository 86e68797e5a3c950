import { defineConfig } from 'vitest/config'

// Builds, packs and installs: what a user gets.
export default defineConfig({
  test: {
    include: ['test/package.test.ts'],
    environment: 'node',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
