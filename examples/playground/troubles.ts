// What can go wrong, and how it is brought about. Your server and your app have no such things.
import { isPkceClientError } from 'pkce-client'
import { api, network } from './client.ts'
import { recall, remember } from './remembered.ts'
import { stealCode } from './thief.ts'
import { appSees, judge, summarise } from './verdict.ts'
import type { PkceClient } from 'pkce-client'
import type { openClient } from './client.ts'
import type { openTabs } from './tabs.ts'
import type { TroubleName } from './verdict.ts'

/** What the troubles work with. */
export type Stage = ReturnType<typeof openClient> & {
  tabs: ReturnType<typeof openTabs>
  tell: (text: string) => void
}

export interface Trouble {
  name: TroubleName
  label: string
  group: 'Tokens' | 'Network' | 'Time' | 'Attacks' | 'Tabs'
  /** It stays on until it is switched off. */
  off?: (stage: Stage) => Promise<void>
  isOn?: () => boolean
  /** Somebody must be signed in. */
  needsSession?: boolean
  /** Before the heading. */
  prepare?: (stage: Stage) => Promise<void>
  /** Makes it happen. `later` when the page is being left: the verdict comes after the return. */
  make: (stage: Stage) => Promise<unknown>
}

/** Asks the reference server to misbehave. */
export const control = (order: string) => fetch(`/control/${order}`, { method: 'POST' })

/** Records what the app's own code gets. */
async function report({ devtools }: Stage, task: () => Promise<string>): Promise<void> {
  const what = await task().then(
    (label) => ({ label }),
    (error: unknown) => ({
      label: isPkceClientError(error) ? error.code : 'network',
      refused: true,
    }),
  )
  devtools.recording.add({ from: 'client', to: 'app', ...what, label: appSees(what.label) })
}

const call = (stage: Stage, label: string, task: (auth: PkceClient) => Promise<string>) => {
  stage.devtools.recording.add({ from: 'app', to: 'client', label })
  return report(stage, () => task(stage.auth))
}

export const callApi = (stage: Stage) =>
  call(stage, 'auth.fetch("/users/me")', async (auth) => {
    const response = await auth.fetch(new URL('users/me', api))
    if (!response.ok) return String(response.status)
    const { name } = (await response.json()) as { name?: string }
    return `${response.status} { name: "${name}" }`
  })

export const renew = (stage: Stage) =>
  call(stage, 'auth.refresh()', async (auth) => (await auth.refresh()).status)

/** Leaves the page to sign in. */
async function attackSignIn({ auth, byRedirect }: Stage, fault?: string): Promise<'later'> {
  if (fault) await control(fault)
  return leave(() => auth.signIn({ navigator: byRedirect }).catch(() => {}))
}

/** Never comes back where it succeeds. */
async function leave(go: () => unknown): Promise<'later'> {
  await go()
  return 'later'
}

async function withServer(stage: Stage, order: string): Promise<void> {
  await control(order)
  await callApi(stage)
}

/** A token that came after a 401 is not renewed after another one within ten seconds. Each trouble begins without that. */
async function withFreshToken({ auth, devtools }: Stage): Promise<void> {
  const last = devtools.recording
    .steps()
    .filter((step) => step.type === 'message')
    .filter(({ status, purpose }) => status === 401 || purpose === 'token')
    .at(-1)
  if (last?.status === 401 && Date.now() - last.at < 11_000) await auth.refresh()
}

/** The network is back, or works again. */
async function recover(stage: Stage, order?: string): Promise<void> {
  if (order) await control(order)
  dispatchEvent(new Event('online'))
  await callApi(stage)
}

const isOn = (order: string) => recall().faults.includes(order)

const serverSwitch = (order: string, happen: (stage: Stage) => Promise<unknown>) => ({
  isOn: () => isOn(order),
  needsSession: true,
  async make(stage: Stage) {
    remember({ faults: [...recall().faults, order] })
    await control(order)
    await happen(stage)
  },
  async off(stage: Stage) {
    remember({ faults: recall().faults.filter((one) => one !== order) })
    await recover(stage, `${order}-off`)
  },
})

/** The server gives no tokens, and the app goes on. */
async function renewTwice(stage: Stage): Promise<void> {
  await renew(stage)
  await renew(stage)
  await callApi(stage)
}

export const troubles: Trouble[] = [
  {
    name: 'api-401',
    label: 'API answers 401',
    group: 'Tokens',
    needsSession: true,
    prepare: withFreshToken,
    make: (stage) => withServer(stage, 'refuse'),
  },
  {
    name: 'expire',
    label: 'Expire the access token',
    group: 'Tokens',
    needsSession: true,
    prepare: withFreshToken,
    make: (stage) => withServer(stage, 'expire'),
  },
  {
    name: 'revoke',
    label: 'Revoke the session',
    group: 'Tokens',
    needsSession: true,
    prepare: withFreshToken,
    make: (stage) => withServer(stage, 'revoke'),
  },
  {
    name: 'rotate',
    label: 'Rotate the signing keys',
    group: 'Tokens',
    make: (stage) => attackSignIn(stage, 'rotate'),
  },
  {
    name: 'offline',
    label: 'Offline',
    group: 'Network',
    needsSession: true,
    isOn: () => network.isOffline,
    async make(stage) {
      network.isOffline = true
      await renew(stage)
    },
    async off(stage) {
      network.isOffline = false
      await recover(stage)
    },
  },
  {
    name: 'slow',
    label: 'Slow, 3 s',
    group: 'Network',
    ...serverSwitch('slow', (stage) => {
      const renewed = renew(stage)
      return callApi(stage).then(() => renewed)
    }),
  },
  { name: 'busy', label: 'Server says 503', group: 'Network', ...serverSwitch('busy', renewTwice) },
  {
    name: 'lose',
    label: 'Lose the next answer',
    group: 'Network',
    needsSession: true,
    async make(stage) {
      network.losesNextTokens = true
      await renew(stage)
    },
  },
  {
    name: 'hotel',
    label: 'Hotel Wi-Fi page',
    group: 'Network',
    ...serverSwitch('hotel', renewTwice),
  },
  {
    name: 'clock',
    label: 'My clock, 2 h ahead',
    group: 'Time',
    isOn: () => recall().isClockAhead,
    async make(stage) {
      remember({ isClockAhead: true })
      if (stage.auth.getSession().status !== 'signed-in') return attackSignIn(stage)
      return callApi(stage)
    },
    async off(stage) {
      remember({ isClockAhead: false })
      if (stage.auth.getSession().status === 'signed-in') await callApi(stage)
    },
  },
  {
    name: 'sleep',
    label: 'Sleep for a night',
    group: 'Time',
    needsSession: true,
    make(stage) {
      remember({ nights: recall().nights + 1 })
      document.dispatchEvent(new Event('visibilitychange'))
      return callApi(stage)
    },
  },
  {
    name: 'steal',
    label: 'Steal the code',
    group: 'Attacks',
    make: (stage) => attackSignIn(stage),
  },
  {
    name: 'replay',
    label: 'Replay the callback',
    group: 'Attacks',
    needsSession: true,
    async make() {
      const { callback } = recall()
      return leave(() => location.assign(callback!))
    },
  },
  {
    name: 'tamper',
    label: 'Tamper with state',
    group: 'Attacks',
    make: (stage) => attackSignIn(stage, 'foreign-state'),
  },
  {
    name: 'swap',
    label: 'Swap the ID token',
    group: 'Attacks',
    make: (stage) => attackSignIn(stage, 'foreign-key'),
  },
  {
    name: 'old-token',
    label: 'Reuse an old ID token',
    group: 'Attacks',
    make: (stage) => attackSignIn(stage, 'foreign-nonce'),
  },
  {
    name: 'mix-up',
    label: 'Mix-up: another issuer',
    group: 'Attacks',
    make: (stage) => attackSignIn(stage, 'foreign-issuer'),
  },
  {
    name: 'elsewhere',
    label: 'Send the token elsewhere',
    group: 'Attacks',
    needsSession: true,
    make: (stage) =>
      call(stage, 'auth.fetch("https://elsewhere.example/")', async (auth) =>
        String((await auth.fetch('https://elsewhere.example/')).status),
      ),
  },
  {
    name: 'two-tabs',
    label: 'Two tabs renew at once',
    group: 'Tabs',
    needsSession: true,
    async make(stage) {
      const other = stage.tabs.order('renew')
      await renew(stage)
      await other
    },
  },
  {
    name: 'sign-out-elsewhere',
    label: 'Sign out elsewhere',
    group: 'Tabs',
    needsSession: true,
    async make({ tabs }) {
      await tabs.order('sign-out')
    },
  },
]

/** Why a trouble cannot be made now. */
function obstacle({ name, needsSession }: Trouble, { auth }: Stage): string | undefined {
  const other = troubles.find(({ group, isOn }) => group === 'Network' && isOn?.())
  if (other) return `Switch off “${other.label}” first: one trouble at a time.`
  if (needsSession && auth.getSession().status !== 'signed-in')
    return 'Sign in first: without a session this means nothing.'
  if (name === 'replay' && !recall().callback)
    return 'Sign in with a redirect first: this tab has no old callback.'
  return undefined
}

/** Makes a trouble, or ends it, and says what came of it. */
export async function press(trouble: Trouble, stage: Stage): Promise<void> {
  const { name, label, group, prepare, make, off, isOn } = trouble
  const why = isOn?.() ? undefined : obstacle(trouble, stage)
  if (why) return stage.tell(why)
  if (group === 'Tabs' && !(await stage.tabs.find()))
    return stage.tell('The browser did not open a second tab: allow windows for this page.')
  const { recording } = stage.devtools
  if (off && isOn?.()) {
    recording.cut(`You switched off “${label}”`)
    await off(stage)
    if (stage.auth.getSession().status === 'signed-in') await conclude('recovered', stage)
    return
  }
  await prepare?.(stage)
  recording.cut(`You pressed “${label}”`)
  remember({ pending: name })
  if ((await make(stage)) === 'later') return
  remember({ pending: undefined })
  await conclude(name, stage)
}

/** Gives the verdict, once nothing happens any more. */
async function conclude(name: TroubleName, stage: Stage): Promise<void> {
  await settle(stage)
  const { devtools, auth } = stage
  const { text, holds } = judge(name, summarise(devtools.recording.steps(), auth.getSession()))
  devtools.recording.verdict(text, holds)
}

const pause = (milliseconds: number) => new Promise((over) => setTimeout(over, milliseconds))

/** Steps of other tabs, and answers that nobody waits for, come a little later. */
async function settle({ devtools, auth }: Stage): Promise<void> {
  const { steps } = devtools.recording
  const isWaiting = () => summarise(steps(), auth.getSession()).unanswered > 0
  for (let before, turns = 0; turns < 60 && (before !== steps() || isWaiting()); turns += 1) {
    before = steps()
    await pause(300)
  }
}

/** Finishes what brought the page here: a sign-in, the verdict of a trouble, or nothing. */
export async function arrive(stage: Stage): Promise<void> {
  const { auth, devtools } = stage
  const { pending, state } = recall()
  const here = new URL(location.href)
  const isAnswer = here.searchParams.has('state') && !here.searchParams.has('tab')
  remember({ pending: undefined })
  if (pending && !isAnswer) await control('disarm')
  if (pending === 'steal' && here.searchParams.has('code'))
    await stealCode(here, devtools.recording)
  const trouble = isAnswer ? pending : undefined
  const start = async () => {
    const { kind } = await auth.start()
    if (kind === 'signed-in') remember({ callback: here.href })
    return kind
  }
  if (trouble) await report(stage, start)
  else if ((await start()) === 'relayed') return
  if (isAnswer) history.replaceState(null, '', '/')
  if (!trouble) return
  if (trouble === 'tamper') await visitUnknownState(stage, here, state)
  if (trouble === 'clock' && auth.getSession().status === 'signed-in') await callApi(stage)
  await conclude(trouble, stage)
}

/** A callback whose state has the form of ours, but was never made here. */
function visitUnknownState(stage: Stage, here: URL, state = ''): Promise<void> {
  const url = new URL(here)
  url.searchParams.set(
    'state',
    `${state.slice(0, -6)}${state.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`,
  )
  stage.devtools.recording.add({
    from: 'user',
    to: 'app',
    label: 'opens /callback with a state like ours',
  })
  return report(stage, async () => (await stage.auth.handleCallback(url))?.kind ?? 'nothing')
}

/** Clears all that the troubles have left. */
export async function reset({ auth, devtools }: Stage): Promise<void> {
  await control('reset')
  network.isOffline = false
  remember({ isClockAhead: false, nights: 0, faults: [], pending: undefined })
  await auth.signOut({ redirect: false })
  devtools.recording.clear()
}
