import { memorySessions, ServerClient } from '../../../src/server/index.ts'
import type { SessionStore } from '../../../src/server/index.ts'
import { createAuthServer } from '../../../src/testing/index.ts'
import type { AuthServer, FakeClock } from '../../../src/testing/index.ts'
import { createQuickClock, turn } from '../../session/chaos/quick-clock.ts'

/** A process of the app. */
export interface Machine {
  readonly auth: ServerClient
  state: 'running' | 'frozen' | 'dead'
  /** Milliseconds that its clock is ahead. */
  skew: number
  /** Of whose refresh requests it does not know yet what came of them, or could not save it. */
  readonly sending: Set<string>
  /** How many calls it is at work on, by visitor. */
  readonly busy: Map<string, number>
  /** Ends the calls it is at work on, for those who count them. */
  readonly calls: Set<() => void>
  thaw(): void
}

/** A user with a browser. */
export interface Visitor {
  readonly name: string
  cookie: string | undefined
  csrf: string | undefined
  /** The session may have been lost for a reason that nobody can help. */
  excused: boolean
  signedOut: boolean
}

export interface Setting {
  seed: number
  accessTokenLifetime: number
  rotation: boolean
}

export interface World {
  readonly clock: FakeClock
  readonly server: AuthServer
  readonly machines: Machine[]
  readonly visitors: Visitor[]
  readonly wrongs: string[]
  /** Calls that have not been answered. */
  open: number
  storeFails: boolean
  /** The answer to the next refresh request does not arrive. */
  losesNext: boolean
  addMachine(): Machine
}

export const appUrl = 'https://app.example'
export const usersMe = 'https://api.example.com/users/me'

const forever = new Promise<never>(() => undefined)

export function createWorld({ seed, ...options }: Setting): World {
  const clock = createQuickClock(seed)
  const redirectUris = [`${appUrl}/auth/callback`]
  const server = createAuthServer({
    ...options,
    clock,
    clients: [{ clientId: 'my-app', redirectUris }],
  })
  const shared = memorySessions({ clock })
  const world: World = {
    clock,
    server,
    machines: [],
    visitors: [],
    wrongs: [],
    open: 0,
    storeFails: false,
    losesNext: false,
    addMachine() {
      const machine = createMachine(world, shared)
      world.machines.push(machine)
      return machine
    },
  }
  return world
}

function createMachine(world: World, shared: SessionStore): Machine {
  const { clock, server } = world
  let wake: (() => void)[] = []
  const runs = async (): Promise<void> => {
    if (machine.state === 'dead') return forever
    if (machine.state === 'frozen') await new Promise<void>((resolve) => wake.push(resolve))
  }
  const auth = new ServerClient({
    issuer: server.issuer,
    clientId: 'my-app',
    baseUrl: appUrl,
    secret: 'a secret of thirty-two characters or more',
    scope: 'openid offline_access',
    resources: [server.api.url],
    sessions: storeOf(world, { shared, runs }),
    idleTimeout: 30 * 86_400,
    lifetime: 90 * 86_400,
    fetch: fetchOf(world, { runs, machine: () => machine }),
    clock: {
      ...clock,
      now: () => clock.now() + machine.skew,
      setTimeout: (callback, milliseconds) =>
        clock.setTimeout(() => void runs().then(callback), milliseconds),
    },
  })
  const machine: Machine = {
    auth,
    state: 'running',
    skew: 0,
    sending: new Set(),
    busy: new Map(),
    calls: new Set(),
    thaw() {
      if (machine.state === 'frozen') machine.state = 'running'
      for (const goOn of wake.splice(0)) goOn()
      wake = []
    },
  }
  return machine
}

/** What was asked of the store is done, also for a machine that is stopped before it hears of it. */
function storeOf(
  world: World,
  { shared, runs }: { shared: SessionStore; runs: () => Promise<void> },
): SessionStore {
  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    await runs()
    await turn()
    if (world.storeFails) throw new Error('The store is gone.')
    const answer = await work()
    await turn()
    await runs()
    return answer
  }
  return {
    get: (key) => ask(() => shared.get(key)),
    add: (key, value, options) => ask(() => shared.add(key, value, options)),
    swap: (key, change) => ask(() => shared.swap(key, change)),
    touch: (key, ttl) => ask(() => shared.touch(key, ttl)),
    remove: (key, seen) => ask(() => shared.remove(key, seen)),
    find: (index) => ask(() => shared.find(index)),
  }
}

/** A request arrives, also when the machine is stopped before the answer comes. */
function fetchOf(
  world: World,
  { runs, machine }: { runs: () => Promise<void>; machine: () => Machine },
): typeof globalThis.fetch {
  return async (input, init) => {
    await runs()
    const body = typeof init?.body === 'object' ? String(init.body as URLSearchParams) : ''
    const token = new URLSearchParams(body).get('refresh_token')
    if (token) machine().sending.add(token)
    const answer = await world.server.fetch(input, init)
    await turn()
    await runs()
    if (!token || !world.losesNext) return answer
    world.losesNext = false
    interrupt(world, [machine()])
    throw new TypeError('The connection was lost.')
  }
}

/** Nobody can know what became of a refresh request of a machine that stops in the middle, or loses its store. */
export function interrupt(world: World, machines: readonly Machine[]): void {
  for (const { busy, sending } of machines)
    if (sending.size > 0)
      for (const visitor of world.visitors)
        if ((busy.get(visitor.name) ?? 0) > 0) visitor.excused = true
}
