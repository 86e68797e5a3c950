import { randomBytes } from 'node:crypto'
import { startMachine } from './machine.js'
import { startMachines } from './machines.js'

/**
 * The whole example: one process, or several behind one address.
 * @param {Omit<import('./machine.js').Machine, 'secret' | 'behindProxy' | 'baseUrl'>} options
 */
export async function startServerExample(options) {
  const { machines } = options.settings
  const machine = {
    ...options,
    baseUrl: `http://127.0.0.1:${options.port}`,
    secret: randomBytes(32).toString('base64url'),
    behindProxy: false,
  }
  if (machines > 1) return startMachines(machines, machine)
  return { processes: [], ...(await startMachine(machine)) }
}
