import { createDevtools } from '../../../src/devtools/index.ts'
import type { Devtools, Lane, Recording, Step } from '../../../src/devtools/index.ts'
import { PkceClient } from '../../../src/index.ts'
import type { PkceClientOptions } from '../../../src/index.ts'
import type { FakeTab } from '../../../src/testing/index.ts'
import { createRecordedWorld } from '../../support/recorded-world.ts'
import type { RecordedWorld } from '../../support/recorded-world.ts'
import { createWorld } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

/** What a person and an app do is not seen by a client: the story adds it. */
const say = (recording: Recording, [from, to]: [Lane, Lane], label: string) =>
  recording.add({ from, to, label })

async function signIn({ devtools: { recording }, ...world }: RecordedWorld): Promise<PkceClient> {
  say(recording, ['user', 'app'], 'clicks “Sign in”')
  return world.signIn()
}

/** The app calls its API; returns the status that its code sees. */
async function callApi(auth: PkceClient, recording: Recording, url: string): Promise<number> {
  say(recording, ['app', 'client'], 'auth.fetch(“/users/me”)')
  return (await auth.fetch(url)).status
}

const isDull = ({ type, ...step }: Step): boolean =>
  type === 'message' && 'purpose' in step && /^(?:discovery|keys)$/.test(step.purpose)

/** Somebody signs in, the app calls its API, and later the API no longer accepts the token. */
export async function signInAndRefresh(): Promise<{ all: readonly Step[]; short: Step[] }> {
  const world = createRecordedWorld()
  const { recording } = world.devtools
  const auth = await signIn(world)
  const url = `${world.server.api.url}users/me`
  await callApi(auth, recording, url)
  await world.clock.advance(60_000)
  recording.cut('Later, the API no longer accepts the access token')
  world.server.fault('api-401', { path: '/users/me', times: 1 })
  const before = countRefreshes(world)
  const status = await callApi(auth, recording, url)
  const refreshes = countRefreshes(world) - before
  recording.verdict(
    `Refreshed ${times(refreshes)}. Your code saw one answer: ${status}.`,
    status === 200 && refreshes === 1,
  )
  await world.until(() => world.steps().filter(hasSignature).length === 2)
  const all = inOrder(world.steps())
  return { all, short: all.filter((step) => !isDull(step)) }
}

const isIdToken = ({ type, label }: Step): boolean => type === 'note' && /ID token/.test(label)

const hasSignature = (step: Step): boolean =>
  step.type === 'note' && step.checks.some(({ text }) => text.startsWith('signature'))

/** The client goes on while the devtools check an ID token once more: what they found belongs to the answer that brought it. */
function inOrder(steps: readonly Step[]): Step[] {
  const notes = steps.filter(isIdToken)
  return steps
    .filter((step) => !isIdToken(step))
    .flatMap((step) => (/^200 (?:new )?tokens$/.test(step.label) ? [step, notes.shift()!] : step))
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)

const countRefreshes = ({ server }: World): number =>
  server.requests.filter(({ method, path }) => method === 'POST' && path === '/token').length

/** Two tabs find at the same moment that the access token has expired. */
export async function oneRefreshForTwoTabs(): Promise<readonly Step[]> {
  const world = createWorld()
  await (await world.signIn()).getUserInfo()
  const order = orderOfAll()
  const tabs = [world.tab, world.browser.openTab()].map((tab) => open(world, tab, order.follow))
  for (const { auth } of tabs) await auth.start()
  await world.clock.advance(16 * 60_000)
  order.begin()
  const before = countRefreshes(world)
  const url = `${world.server.api.url}users/me`
  const answers = tabs.map(({ auth, devtools }) => callApi(auth, devtools.recording, url))
  const statuses = await Promise.all(answers)
  const refreshes = countRefreshes(world) - before
  tabs[0]!.devtools.recording.verdict(
    `The refresh token was sent ${times(refreshes)}; each tab saw one answer: ${statuses.join(', ')}.`,
    refreshes === 1,
  )
  await world.until(() => order.steps().some(isIdToken))
  return inOrder(order.steps()).filter((step) => !isDull(step))
}

interface OpenTab {
  auth: PkceClient
  devtools: Devtools
}

function open(world: World, tab: FakeTab, follow: (recording: Recording) => void): OpenTab {
  const devtools = createDevtools()
  const { recording } = devtools
  const options: PkceClientOptions = {
    ...world.options,
    ...tab.ports,
    lock: {
      request(name, settings, task) {
        // Who is next in line has a lock of its own.
        if (name.endsWith('|grant||next')) say(recording, ['app', 'client'], 'asks for the lock')
        return tab.ports.lock.request(name, settings, () => {
          if (name.endsWith('|grant|')) say(recording, ['app', 'client'], 'has it, reads the store')
          return task()
        })
      },
    },
  }
  follow(recording)
  const auth = new PkceClient(devtools.observe(options))
  devtools.show(auth)
  return { auth, devtools }
}

/** The steps of several recordings, in the order in which they were made. */
function orderOfAll() {
  const recordings: Recording[] = []
  let ids = new Set<string>()
  const all = () => recordings.flatMap((recording) => recording.steps())
  return {
    follow(recording: Recording) {
      recordings.push(recording)
      recording.subscribe(() => all().forEach(({ id }) => ids.add(id)))
    },
    /** Forgets what was before. */
    begin() {
      for (const recording of recordings) recording.clear()
      ids = new Set()
    },
    steps() {
      const byId = new Map(all().map((step) => [step.id, step]))
      return [...ids].map((id) => byId.get(id)!)
    },
  }
}
