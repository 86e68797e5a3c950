import { randomBytes } from 'node:crypto'
import { startMachine } from './machine.js'

/**
 * The whole example.
 * @param {Omit<import('./machine.js').Machine, 'secret' | 'behindProxy' | 'baseUrl'>} options
 */
export async function startServerExample(options) {
  const machine = {
    ...options,
    baseUrl: `http://127.0.0.1:${options.port}`,
    secret: randomBytes(32).toString('base64url'),
    behindProxy: false,
  }
  return startMachine(machine)
}
