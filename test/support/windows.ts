import { popup, redirect } from '../../src/index.ts'
import type { Navigator, PkceClient, SignInParams, SignedInSession } from '../../src/index.ts'
import type { FakeTab } from '../../src/testing/index.ts'
import { createWorld } from './world.ts'
import type { World, WorldOptions } from './world.ts'

/** A sign-in in a window of its own, seen from the page that waits for it. */
export interface Waiting {
  /** The window that was opened. */
  window: FakeTab
  /** What the sign-in came to, or `undefined` while it goes on. */
  outcome(): { session?: SignedInSession; error?: unknown } | undefined
  signedIn: Promise<SignedInSession>
}

export interface WindowWorld extends World {
  auth: PkceClient
  /** Clicks on "Sign in", and waits until the window shows the page of the server. */
  click(params?: SignInParams): Promise<Waiting>
  /** The user signs in at the server, and the window loads the page at the redirect URI. Resolves to its address. */
  answer(waiting: Waiting): Promise<string>
  /** The same; then the app starts there. */
  finish(waiting: Waiting): ReturnType<PkceClient['start']>
}

/** An app that signs in with a popup, unless told otherwise. */
export function windowWorld({
  navigator = popup(),
  ...options
}: WorldOptions & { navigator?: Navigator } = {}): WindowWorld {
  const navigators = [navigator, redirect()]
  const world = createWorld({ ...options, client: { navigator: navigators, ...options.client } })
  const auth = world.client()
  const click = async (params?: SignInParams): Promise<Waiting> => {
    const before = world.browser.tabs.at(-1)!.url
    world.tab.gesture = true
    const signedIn = auth.signIn(params)
    let outcome: ReturnType<Waiting['outcome']>
    signedIn.then(
      (session) => (outcome = { session }),
      (error: unknown) => (outcome = { error }),
    )
    const window = world.browser.tabs.at(-1)!
    const isThere = () => window.url !== before && window.url.startsWith(world.server.issuer)
    await world.until(() => isThere() || outcome)
    return { window, signedIn, outcome: () => outcome }
  }
  const answer = async ({ window }: Waiting): Promise<string> => {
    const address = await world.server.authorize(window.url, { jar: world.jar })
    window.load(address)
    return address
  }
  return {
    ...world,
    auth,
    click,
    answer,
    async finish(waiting) {
      await answer(waiting)
      return world.client(waiting.window).start()
    },
  }
}
