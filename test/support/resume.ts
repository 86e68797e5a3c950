import { resumeAfterSignIn } from '../../src/index.ts'
import type { PkceClient, ResumeAfterSignInOptions, StartResult } from '../../src/index.ts'
import type { AuthorizeOptions, FakeTab } from '../../src/testing/index.ts'
import { createWorld, usualSessionKey } from './world.ts'
import type { World, WorldOptions } from './world.ts'

/** Where the tab keeps the request. */
export const keptName = `${usualSessionKey}|resume`

export interface ResumeOptions extends WorldOptions, ResumeAfterSignInOptions {}

export interface ResumeWorld extends World {
  /** The client of a page in that tab, with the capability. */
  app(tab?: FakeTab, options?: ResumeAfterSignInOptions): PkceClient
  /** Makes the call, which leaves the page; resolves to the authorization request. */
  call(auth: PkceClient, ...request: Parameters<PkceClient['fetch']>): Promise<URL>
  /** The user signs in, and the tab loads the answer. */
  comeBackFrom(
    url: URL,
    user?: AuthorizeOptions & {
      tab?: FakeTab
      use?: ResumeAfterSignInOptions
      /** Happens once the page is loaded, before it starts. */
      arrived?: () => void
    },
  ): Promise<{ auth: PkceClient; result: StartResult }>
  /** What the tab keeps, if anything. */
  keptIn(tab?: FakeTab): string | undefined
}

/** An app whose calls leave the page to sign in, and are resumed on the page that the user comes back to. */
export function resumeWorld(options: ResumeOptions = {}): ResumeWorld {
  const { ask, methods, ...rest } = options
  const world = createWorld(rest)
  const own = { ask, methods }
  const made: ResumeWorld = Object.assign(world, {
    app: (tab = world.tab, use: ResumeAfterSignInOptions = own) =>
      world.client(tab, { use: [resumeAfterSignIn(use)] }),
    async call(auth: PkceClient, ...request: Parameters<PkceClient['fetch']>) {
      const before = world.tab.navigations.length
      let failed: { error: unknown } | undefined
      auth.fetch(...request).catch((error: unknown) => (failed = { error }))
      await world.until(() => world.tab.navigations.length > before || failed)
      if (failed) throw failed.error
      return new URL(world.tab.navigations.at(-1)!)
    },
    async comeBackFrom(url, { tab = world.tab, use = own, arrived, ...user } = {}) {
      tab.load(await world.server.authorize(url, user))
      arrived?.()
      const auth = made.app(tab, use)
      return { auth, result: await auth.start() }
    },
    keptIn: (tab = world.tab) => tab.ports.host.getTabItem(keptName) || undefined,
  } satisfies Partial<ResumeWorld>)
  return made
}
