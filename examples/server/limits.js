import { RateLimiterMemory, RateLimiterUnion } from 'rate-limiter-flexible'

const hour = 3600
const signInPaths = ['/auth/login', '/auth/refresh_token']

/**
 * So many requests of one address, and fewer where somebody could try something out. What costs nothing is not counted: files,
 * /health, and the page that asks who is signed in.
 * @param {object} limits
 * @param {number} limits.perHour
 * @param {number} limits.perDay
 * @param {(options: import('rate-limiter-flexible').IRateLimiterOptions) => import('rate-limiter-flexible').RateLimiterAbstract} [limits.limiter]
 *   where they are counted: in one place for all machines
 * @returns {(address: string, path: string) => Promise<number | undefined>} the seconds to wait, if it was too much
 */
export function createLimits({
  perHour,
  perDay,
  limiter = (options) => new RateLimiterMemory(options),
}) {
  const all = new RateLimiterUnion(
    limiter({ keyPrefix: 'hour', points: perHour, duration: hour }),
    limiter({ keyPrefix: 'day', points: perDay, duration: 24 * hour }),
  )
  const signIns = limiter({
    keyPrefix: 'sign-in',
    points: Math.ceil(perHour / 5),
    duration: hour / 4,
  })
  return async (address, path) => {
    if (/^\/(?:app\/assets\/|style\.css$|health$|auth\/session$)/.test(path)) return undefined
    try {
      if (signInPaths.includes(path)) await signIns.consume(address)
      await all.consume(address)
      return undefined
    } catch (refused) {
      const wait = longestWait(refused)
      // A store that fails must not close the app.
      return wait === undefined ? undefined : Math.ceil(wait / 1000)
    }
  }
}

/**
 * Milliseconds. One limiter tells how long to wait; several tell it by their names, or an error.
 * @param {any} refused
 * @returns {number | undefined}
 */
function longestWait(refused) {
  const waits = [refused, ...Object.values(refused)].map((one) => one?.msBeforeNext)
  return waits.filter(Number.isFinite).sort((a, b) => b - a)[0]
}
