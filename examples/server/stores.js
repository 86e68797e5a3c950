import {
  memorySessions,
  redisSessions,
  schema,
  sqlSessions,
  withFallback,
} from 'pkce-client/server'
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRedis } from 'rate-limiter-flexible'

/** @typedef {import('rate-limiter-flexible').IRateLimiterOptions} LimiterOptions */
/**
 * @typedef {object} OpenStore
 * @property {import('pkce-client/server').SessionStore} sessions goes on in the memory of the process while its database is gone
 * @property {(options: LimiterOptions) => import('rate-limiter-flexible').RateLimiterAbstract} limiter counts in the same place
 * @property {() => Promise<unknown>} close
 */

/** @type {Record<string, () => OpenStore | Promise<OpenStore>>} */
const stores = {
  memory: () => ({
    sessions: memorySessions(),
    limiter: (options) => new RateLimiterMemory(options),
    close: async () => {},
  }),

  async redis() {
    const { createClient } = await import('redis')
    const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'
    let isConnected = false
    const client = createClient({
      url,
      // A visitor gets an answer now, also when Redis is gone.
      disableOfflineQueue: true,
      socket: {
        reconnectStrategy: (retries) => isConnected && Math.min(100 * retries, 2000),
      },
    })
    // ServerClient tells of failures, as storage-failed.
    client.on('error', () => {})
    await client.connect().catch((cause) => {
      throw new Error(`There is no Redis at ${url}; start it, or set REDIS_URL.`, { cause })
    })
    isConnected = true
    return {
      sessions: withFallback(redisSessions((command) => client.sendCommand(command))),
      limiter: (options) =>
        new RateLimiterRedis({
          ...options,
          storeClient: client,
          useRedisPackage: true,
          insuranceLimiter: new RateLimiterMemory(options),
        }),
      close: async () => client.destroy(),
    }
  },

  async postgres() {
    const { default: pg } = await import('pg')
    const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
    pool.on('error', () => {})
    // Yours are in the migrations of your app.
    for (const statement of [...schema('postgres'), rateLimits])
      await pool.query(statement).catch((cause) => {
        throw new Error('There is no PostgreSQL; start it, or set DATABASE_URL.', { cause })
      })
    return {
      sessions: withFallback(
        sqlSessions({
          dialect: 'postgres',
          query: async (text, values) => (await pool.query(text, values)).rows,
        }),
      ),
      limiter: (options) =>
        new RateLimiterPostgres({
          ...options,
          storeClient: pool,
          storeType: 'pool',
          tableName: 'rate_limits',
          tableCreated: true,
          insuranceLimiter: new RateLimiterMemory(options),
        }),
      close: () => pool.end(),
    }
  },
}

const rateLimits =
  'create table if not exists rate_limits (key text primary key, points integer not null default 0, expire bigint)'

/**
 * Connects to where sessions are kept.
 * @param {string} name
 */
export const openStore = async (name) => stores[name]()
