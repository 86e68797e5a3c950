import { memorySessions } from 'pkce-client/server'
import { RateLimiterMemory } from 'rate-limiter-flexible'

/** @typedef {import('rate-limiter-flexible').IRateLimiterOptions} LimiterOptions */
/**
 * @typedef {object} OpenStore
 * @property {import('pkce-client/server').SessionStore} sessions
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
}

/**
 * Connects to where sessions are kept.
 * @param {string} name
 */
export const openStore = async (name) => stores[name]()
