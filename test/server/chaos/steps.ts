import fc from 'fast-check'
import { turn } from '../../session/chaos/quick-clock.ts'
import { appUrl, interrupt, usersMe } from './machines.ts'
import type { Machine, Visitor, World } from './machines.ts'

/** Something that happens: what, at which machine and for which visitor, and how much of it. */
export type Step = readonly [what: string, machine: number, visitor: number, amount: number]

export const page = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' }
const script = { 'sec-fetch-site': 'same-origin', accept: 'application/json' }

const request = (path: string, init: RequestInit = {}) => new Request(appUrl + path, init)

const cookiesOf = (response: Response): Map<string, string> =>
  new Map(
    response.headers.getSetCookie().map((line) => {
      const [pair] = line.split(';')
      const equals = pair!.indexOf('=')
      return [pair!.slice(0, equals), pair!.slice(equals + 1)]
    }),
  )

/** Signs a user in at one machine, begun at another. */
export async function signIn(
  world: World,
  { visitor, begun, finished }: { visitor: Visitor; begun: Machine; finished: Machine },
): Promise<boolean> {
  const headers = visitor.cookie ? { ...page, cookie: sessionCookie(visitor) } : page
  const login = await begun.auth.handle(request('/auth/login', { headers }))
  const location = login?.headers.get('location')
  if (!login || !location) return false
  const answer = new URL(await world.server.authorize(location, { username: visitor.name }))
  const [[name, value]] = [...cookiesOf(login)] as [[string, string]]
  const sent = [`${name}=${value}`, ...(visitor.cookie ? [sessionCookie(visitor)] : [])].join('; ')
  const back = await finished.auth.handle(
    request(answer.pathname + answer.search, { headers: { ...page, cookie: sent } }),
  )
  const cookie = back && cookiesOf(back).get('__Host-Http-pkce')
  if (!cookie) return false
  Object.assign(visitor, { cookie, csrf: undefined, excused: false, signedOut: false })
  return true
}

const sessionCookie = ({ cookie }: Visitor) => `__Host-Http-pkce=${cookie}`

/** Work of a machine for a visitor, until it is answered or the machine dies. */
function at(
  world: World,
  { machine, visitor }: { machine: Machine; visitor: Visitor },
  work: () => Promise<unknown>,
): void {
  if (machine.state !== 'running') return
  const { busy } = machine
  busy.set(visitor.name, (busy.get(visitor.name) ?? 0) + 1)
  world.open += 1
  const over = () => {
    if (!machine.calls.delete(over)) return
    world.open -= 1
    busy.set(visitor.name, busy.get(visitor.name)! - 1)
    if ([...busy.values()].every((count) => count < 1)) machine.sending.clear()
  }
  machine.calls.add(over)
  work()
    .catch((error: unknown) => world.wrongs.push(String((error as Error).stack)))
    .finally(over)
    .catch(() => undefined)
}

/** A route of the app asks an API for the user. */
export async function call(world: World, machine: Machine, visitor: Visitor): Promise<number> {
  const { cookie, signedOut, name } = visitor
  const headers = cookie ? { cookie: sessionCookie(visitor) } : {}
  try {
    const session = await machine.auth.session(request('/', { headers }))
    if (session.status !== 'signed-in') return 401
    visitor.csrf = session.csrfToken
    const response = await session.fetch(usersMe)
    const body = response.ok ? ((await response.json()) as { sub: string }) : undefined
    if (body && body.sub !== `user-${name}`)
      world.wrongs.push(`${name} got the data of ${body.sub}`)
    if (body && signedOut && cookie === visitor.cookie && visitor.signedOut)
      world.wrongs.push(`${name} has signed out, and an API still answers`)
    return response.status
  } catch (error) {
    const { code } = error as { code?: string }
    if (!code) throw error
    return 0
  }
}

async function signOut(machine: Machine, visitor: Visitor): Promise<void> {
  if (!visitor.cookie || !visitor.csrf) return
  const { cookie } = visitor
  const headers = { ...script, cookie: sessionCookie(visitor), 'x-csrf-token': visitor.csrf }
  const answer = await machine.auth.handle(request('/auth/logout', { method: 'POST', headers }))
  if (answer?.status === 200 && visitor.cookie === cookie) visitor.signedOut = true
  else if (visitor.cookie === cookie) visitor.excused = true
}

/** The machine is at work on a refresh, somewhere between its beginning and its end. */
async function midway(world: World, { machine, visitor, amount }: Parameters<Play>[1]) {
  await world.clock.advance(901_000)
  for (let n = 0; n < 2; n += 1)
    at(world, { machine, visitor }, () => call(world, machine, visitor))
  for (let turns = 0; turns < amount; turns += 1) await turn()
}

type Play = (world: World, one: { machine: Machine; visitor: Visitor; amount: number }) => unknown

const token = { path: '/token', on: 'refresh', times: 1 } as const

export const plays: Record<string, Play> = {
  call: (world, one) => at(world, one, () => call(world, one.machine, one.visitor)),
  burst: (world, one) => {
    for (const machine of world.machines)
      for (let n = 0; n < 3; n += 1)
        at(world, { ...one, machine }, () => call(world, machine, one.visitor))
  },
  'token expires': ({ clock }) => clock.advance(901_000),
  'time passes': ({ clock }, { amount }) => clock.advance(amount * 1000),
  'sign out': (world, one) => at(world, one, () => signOut(one.machine, one.visitor)),
  'sign in': (world, one) =>
    at(world, one, async () => {
      const { machine, visitor } = one
      await signIn(world, { visitor, begun: machine, finished: machine })
    }),
  'stopped in the middle of a refresh': async (world, one) => {
    await midway(world, one)
    plays.freeze!(world, one)
    for (const machine of world.machines)
      at(world, { ...one, machine }, () => call(world, machine, one.visitor))
    await world.clock.advance(10_000)
    one.machine.thaw()
  },
  'signs out in the middle of a refresh': async (world, one) => {
    await midway(world, one)
    at(world, one, () => signOut(one.machine, one.visitor))
  },
  'dies in the middle of a refresh': async (world, one) => {
    await midway(world, one)
    plays.kill!(world, one)
    await world.clock.advance(6000)
  },
  'loses the store in the middle of a refresh': async (world, one) => {
    await midway(world, one)
    plays['store gone']!(world, one)
    await world.clock.advance(3000)
    plays['store back']!(world, one)
  },
  freeze: (world, { machine }) => {
    if (machine.state !== 'running') return
    interrupt(world, [machine])
    machine.state = 'frozen'
  },
  thaw: (_, { machine }) => machine.thaw(),
  kill: (world, { machine }) => {
    const running = world.machines.filter(({ state }) => state === 'running')
    if (running.length < 2 || machine.state === 'dead') return
    interrupt(world, [machine])
    for (const over of [...machine.calls]) over()
    machine.state = 'dead'
    machine.thaw()
    world.addMachine()
  },
  'store gone': (world) => {
    interrupt(world, world.machines)
    world.storeFails = true
  },
  'store back': (world) => (world.storeFails = false),
  'clock wrong': (_, { machine, amount }) => (machine.skew = (amount - 20) * 180_000),
  'answer lost': (world) => (world.losesNext = true),
  'server down': ({ server }) => server.fault('network-error', token),
  'server busy': ({ server }) => server.fault('respond', { ...token, status: 503 }),
  'secret expired': ({ server }) =>
    server.fault('respond', { ...token, status: 401, body: { error: 'invalid_client' } }),
}

export const steps = (length: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.tuple(
      fc.constantFrom(
        ...Object.keys(plays),
        'burst',
        'burst',
        'call',
        'token expires',
        'thaw',
        'store back',
      ),
      fc.nat(9),
      fc.nat(9),
      fc.nat(40),
    ),
    { maxLength: length },
  )

export async function play(world: World, [what, which, who, amount]: Step): Promise<void> {
  const alive = world.machines.filter(({ state }) => state !== 'dead')
  const machine = alive[which % alive.length]!
  const visitor = world.visitors[who % world.visitors.length]!
  await plays[what]!(world, { machine, visitor, amount })
  if (amount % 3) await world.clock.settle()
  else await turn()
}
