import { PkceClientError } from '../../errors.ts'
import type { SessionIndex, SessionStore } from './session-store.ts'

/**
 * Sends one command by the app's own Redis client and gives its reply. `key` is the one key the command is about, for clients of a
 * cluster that do not find it themselves.
 */
export type RedisCommand = (command: [string, ...string[]], key: string) => Promise<unknown>

/** Options of {@link redisSessions}. */
export interface RedisSessionsOptions {
  /** What the name of every key begins with; `pkce:` when left out. */
  prefix?: string | undefined
}

const swapScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`

const removeScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

// An index keeps until when each of its keys may live. It forgets the others here, or that of somebody who signs in every day
// would never stop growing. The time is that of Redis: the clocks of the machines may differ.
const nameScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
local ends = ARGV[2] == '' and math.huge or now + ARGV[2]
redis.call('ZADD', KEYS[1], 'GT', string.format('%.0f', ends), ARGV[1])
last = math.max(ends, tonumber(last or 0))
if last == math.huge then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last)) end
return 1`

/**
 * Creates a store of sessions in Redis 6.2 or newer, Valkey, or what speaks as they do, over the app's own client:
 * `(command) => redis.sendCommand(command)` with node-redis, `(command) => redis.call(...command)` with ioredis. Each command and
 * script is about one key, so a cluster will do. Rejects with what the client rejects with.
 */
export function redisSessions(
  command: RedisCommand,
  { prefix = 'pkce:' }: RedisSessionsOptions = {},
): SessionStore {
  async function send(name: string, key: string, ...args: string[]): Promise<unknown> {
    return checked(await command([name, `${prefix}${key}`, ...args], `${prefix}${key}`))
  }

  async function run(script: string, key: string, ...args: string[]): Promise<boolean> {
    const reply = await command(
      ['EVAL', script, '1', `${prefix}${key}`, ...args],
      `${prefix}${key}`,
    )
    return Number(checked(reply)) === 1
  }

  /** Before the value is there: a process that dies in between leaves a name of nothing, and no session without its name. */
  async function name(key: string, { names, ttl }: SessionIndex): Promise<void> {
    await Promise.all(names.map((index) => run(nameScript, `index|${index}`, key, wholeOf(ttl))))
  }

  return {
    get: async (key) => ((await send('GET', key)) as string | null) ?? undefined,
    async add(key, value, { ttl, index }) {
      if (index) await name(key, index)
      const life = ttl === Infinity ? [] : ['PX', wholeOf(ttl)]
      return (await send('SET', key, value, 'NX', ...life)) !== null
    },
    swap: (key, { seen, value, ttl }) => run(swapScript, key, seen, value, wholeOf(ttl)),
    async touch(key, ttl) {
      await (ttl === Infinity ? send('PERSIST', key) : send('PEXPIRE', key, wholeOf(ttl)))
    },
    async remove(key, seen) {
      await (seen === undefined ? send('DEL', key) : run(removeScript, key, seen))
    },
    find: async (index) => (await send('ZRANGE', `index|${index}`, '0', '-1')) as string[],
  }
}

/** Redis takes whole milliseconds, and no 0. Nothing stands for no end. */
function wholeOf(ttl: number): string {
  return ttl === Infinity ? '' : String(Math.max(1, Math.ceil(ttl)))
}

/** Whoever forgets to return the promise would sign everybody out. */
function checked(reply: unknown): unknown {
  if (reply !== undefined) return reply
  throw new PkceClientError(
    'invalid_option',
    'The function that redisSessions() was given must return the promise of the reply, and returned nothing.',
  )
}
