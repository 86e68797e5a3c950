import { describe, expect, test } from 'vitest'
import { defineCapability } from '../../../src/capabilities/define-capability.ts'
import { PkceClientError, redirect } from '../../../src/index.ts'
import { keepingPage } from '../../support/navigators.ts'
import { createWorld, rejection } from '../../support/world.ts'
import type { PkceClientOptions } from '../../../src/index.ts'

const wrapping = (name: string) =>
  defineCapability({ name, hooks: () => ({ wrap: (plain) => plain }) })

describe('the option use', () => {
  test('two capabilities that do the same thing in two ways are refused, and both are named', () => {
    const use = [wrapping('one()'), wrapping('two()')]
    expect(() => createWorld().client(undefined, { use })).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringMatching(/one\(\).*two\(\)/) as string,
      }),
    )
  })

  test.each([['dpop'], [{}], [['dpop']], [[null]], [[{}]], [() => []]])('%o is refused', (use) => {
    const options = { use } as unknown as Partial<PkceClientOptions>
    expect(() => createWorld().client(undefined, options)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining('use must be a list of capabilities') as string,
      }),
    )
  })
})

describe('navigators', () => {
  test('the first of a list is the default, and a sign-in may name another', async () => {
    const world = createWorld()
    const used: string[] = []
    const named = (name: string) =>
      keepingPage(async ({ url }) => {
        used.push(name)
        return new URL(await world.server.authorize(url))
      })
    const auth = world.client(world.tab, { navigator: [named('first'), named('second')] })
    await auth.signIn()
    await auth.signIn({ navigator: named('third') })
    expect(used).toEqual(['first', 'third'])
  })

  test.each([[[]], [[redirect(), {}]], ['popup'], [[undefined]]])('%o is refused', (navigator) => {
    const options = { navigator } as unknown as Partial<PkceClientOptions>
    expect(() => createWorld().client(undefined, options)).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    )
  })

  test('what a navigation adds to the request gives way to what the caller asks for', async () => {
    const world = createWorld()
    const seen: (string | null)[] = []
    const navigator = keepingPage(
      async ({ url }) => {
        seen.push(url.searchParams.get('prompt'))
        return new URL(await world.server.authorize(url))
      },
      { params: Promise.resolve({ prompt: 'login' }) },
    )
    const auth = world.client(world.tab, { navigator })
    await auth.signIn()
    await auth.signIn({ prompt: 'consent' })
    await auth.signIn({ prompt: undefined })
    expect(seen).toEqual(['login', 'consent', 'login'])
  })

  test('is told the state that the answer must carry', async () => {
    const world = createWorld()
    const navigator = keepingPage(async ({ url, state }) => {
      expect(url.searchParams.get('state')).toBe(state)
      return new URL(await world.server.authorize(url))
    })
    await expect(world.client(world.tab, { navigator }).signIn()).resolves.toBeDefined()
  })

  test('one that cannot be opened is a failed sign-in, and nothing is sent', async () => {
    const world = createWorld()
    const auth = world.client(world.tab)
    const failed: unknown[] = []
    auth.on('sign-in-failed', ({ error }) => failed.push(error))
    const blocked = new PkceClientError('sign_in_cancelled', 'The browser blocks windows.')
    const navigator = keepingPage(async () => undefined, {
      opened: () => {
        throw blocked
      },
    })
    expect(await rejection(auth.signIn({ navigator }))).toBe(blocked)
    expect(failed).toEqual([blocked])
    expect(world.server.requests).toEqual([])
  })
})

describe('an answer that comes back in a window', () => {
  /** A page at the answer of a sign-in with that mode, and what its navigator was asked to hand on. */
  async function landing({ mode, received }: { mode: string; received: boolean }) {
    const world = createWorld()
    let answer = ''
    const opener = world.client(world.tab, {
      navigator: keepingPage(
        async ({ url }) => {
          answer = await world.server.authorize(url)
          return new Promise(() => undefined)
        },
        { mode },
      ),
    })
    void opener.signIn({ returnTo: '/orders' })
    while (answer === '') await new Promise((resolve) => setImmediate(resolve))
    const window = world.browser.openTab(answer)
    const relayed: { url: URL; state: string }[] = []
    const navigator = {
      ...redirect(),
      relay: async ({ url, state }: { url: URL; state: string }) => {
        relayed.push({ url, state })
        return received
      },
    }
    const result = await world.client(window, { navigator }).start()
    return { result, relayed, window, answer }
  }

  test('is handed to the page that waits for it; the window shows its session as it is', async () => {
    const { result, relayed, window, answer } = await landing({ mode: 'popup', received: true })
    expect(result).toMatchObject({ kind: 'relayed', session: { status: 'signed-out' } })
    expect(relayed.map(({ url }) => url.href)).toEqual([answer])
    expect(window.url).not.toContain('code=')
  })

  test('is finished there when the page that began the sign-in is gone', async () => {
    const { result } = await landing({ mode: 'popup', received: false })
    expect(result).toMatchObject({ kind: 'signed-in', returnTo: expect.stringMatching(/orders$/) })
  })

  test('of a redirect it is nobody else’s: no time is lost', async () => {
    const { result, relayed } = await landing({ mode: 'redirect', received: true })
    expect(result.kind).toBe('signed-in')
    expect(relayed).toEqual([])
  })
})
