import { parseArgs } from 'node:util'

/** The ways in which the example can run. */
export const choices = {
  store: ['memory', 'redis', 'postgres'],
  client: ['public', 'secret', 'certificate'],
}

/**
 * @typedef {object} Settings
 * @property {string} store where sessions are kept
 * @property {string} client how the app proves who it is
 * @property {number} machines how many processes share the work
 * @property {number} perHour requests of one address
 * @property {number} perDay requests of one address
 * @property {boolean} development shows what visitors must not see
 */

/**
 * Reads the command line. Throws a sentence that says what would be right.
 * @param {string[]} args
 * @returns {Settings}
 */
export function readSettings(args) {
  const { values } = parseArgs({
    args,
    options: {
      store: { type: 'string', default: 'memory' },
      client: { type: 'string', default: 'secret' },
      machines: { type: 'string', default: '1' },
      'per-hour': { type: 'string', default: '50' },
      'per-day': { type: 'string', default: '200' },
    },
  })
  const { store, client } = values
  for (const [name, value] of Object.entries({ store, client }))
    if (!choices[/** @type {keyof typeof choices} */ (name)].includes(value))
      throw new Error(
        `--${name} must be one of ${choices[/** @type {keyof typeof choices} */ (name)].join(', ')}; it is ${value}.`,
      )
  const [machines, perHour, perDay] = ['machines', 'per-hour', 'per-day'].map((name) =>
    wholeNumber(name, values[/** @type {keyof typeof values} */ (name)]),
  )
  if (machines > 1 && store === 'memory')
    throw new Error('Several machines need a store that they share: --store redis or postgres.')
  const development = process.env.NODE_ENV !== 'production'
  return { store, client, machines, perHour, perDay, development }
}

/**
 * @param {string} name
 * @param {string} text
 */
function wholeNumber(name, text) {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new Error(`--${name} must be a whole number above zero; it is ${text}.`)
}
