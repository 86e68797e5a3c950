import type { Locator, Page } from 'playwright-core'

// What the documents use of '@playwright/test', so that they can be checked and run without it.
type Body = (fixtures: { page: Page }) => Promise<void>

interface Test {
  (name: string, body: Body): void
  beforeAll(prepare: () => Promise<void>): void
  beforeEach(prepare: () => Promise<void> | void): void
  afterAll(cleanUp: () => Promise<void>): void
}

export interface Suite {
  readonly test: Test
  /** Runs everything in order; rejects with the first failure. */
  run(newPage: () => Promise<Page>): Promise<string[]>
}

export function createSuite(): Suite {
  const tests: { name: string; body: Body }[] = []
  const hooks = { beforeAll: [], beforeEach: [], afterAll: [] } as Record<
    'beforeAll' | 'beforeEach' | 'afterAll',
    (() => Promise<void> | void)[]
  >
  const call = async (name: keyof typeof hooks) => {
    for (const hook of hooks[name]) await hook()
  }
  const test = Object.assign(
    (name: string, body: Body) => {
      tests.push({ name, body })
    },
    {
      beforeAll: (hook: () => Promise<void>) => void hooks.beforeAll.push(hook),
      beforeEach: (hook: () => Promise<void> | void) => void hooks.beforeEach.push(hook),
      afterAll: (hook: () => Promise<void>) => void hooks.afterAll.push(hook),
    },
  )
  return {
    test,
    async run(newPage) {
      try {
        await call('beforeAll')
        for (const { body } of tests) {
          await call('beforeEach')
          await body({ page: await newPage() })
        }
      } finally {
        await call('afterAll')
      }
      return tests.map(({ name }) => name)
    },
  }
}

export declare const test: Test

export function expect(locator: Locator) {
  return {
    toBeVisible: () => locator.waitFor({ state: 'visible' }),
  }
}
