/**
 * Bytes of minified and gzipped code, oauth4webapi included, that an app pays for what it imports. Only sizes fail a
 * build: they are the same on every machine.
 *
 * `bytes` is where the build fails, `aim` what the bench prints; docs/decisions/004-size.md says where they come from.
 */
export const sizeBudgets = {
  'the main job': {
    imports: `import { PkceClient } from 'pkce-client'; globalThis.client = PkceClient`,
    bytes: 36_770,
    aim: 24_300,
  },
  'PKCE and state only': {
    imports: `export { createCodeChallenge, createCodeVerifier, createState } from 'pkce-client'`,
    bytes: 1_300,
    aim: 1_300,
  },
  'recognising our errors only': {
    imports: `export { isPkceClientError } from 'pkce-client'`,
    bytes: 200,
    aim: 200,
  },
  'stores only': {
    imports: `export { memoryStore, webStorageStore } from 'pkce-client'`,
    bytes: 400,
    aim: 400,
  },
  'the encrypted store only': {
    imports: `export { indexedDbStore } from 'pkce-client'`,
    bytes: 700,
    aim: 700,
  },
  'handing an answer on only': {
    imports: `import { relayAnswer } from 'pkce-client'; relayAnswer()`,
    bytes: 450,
    aim: 400,
  },
  'the session of a back end only': {
    imports: `import { backEndSession } from 'pkce-client'; globalThis.auth = backEndSession()`,
    bytes: 6_800,
    aim: 2_500,
  },
  'the session to render on a server': {
    imports: `export { unknownSession } from 'pkce-client'`,
    bytes: 120,
    aim: 120,
  },
} as const

/**
 * Bytes that one more import adds to the main job: what an app pays for a capability, and the others do not.
 *
 * `bytes` is where the build fails, `aim` the plan; docs/decisions/004-size.md gives the reason where they differ.
 */
export const additionBudgets = {
  dpop: { bytes: 2_600, aim: 1_900 },
  pushedRequests: { bytes: 420, aim: 350 },
  signInOnDemand: { bytes: 1_240, aim: 450 },
  resumeAfterSignIn: { bytes: 1_800, aim: 850 },
  popup: { bytes: 1_060, aim: 750 },
  iframe: { bytes: 840, aim: 700 },
  'popup, iframe': { bytes: 1_380, aim: 950 },
  backEndRefresh: { bytes: 700, aim: 350 },
  discoverResource: { bytes: 760, aim: 450 },
  registerClient: { bytes: 800, aim: 320 },
  externalBrowser: { bytes: 275, aim: 250 },
} as const

/**
 * What one authorized call with a fresh token may add to the fetch beneath it, as a part of what the same call by hand with
 * oauth4webapi adds. Printed only: times differ between machines.
 */
export const hotPathBudgets: Record<string, Record<string, number>> = {
  node: {
    'GET, string': 0.4,
    'GET, URL': 0.4,
    'GET, Request': 0.9,
    'GET, string, entry with a path': 0.5,
    'POST, plain headers': 0.3,
    'POST, Headers': 0.9,
  },
  chromium: { 'GET, string': 0.4 },
}

/** From the import to an authorization URL in a process that has just begun, as a multiple of the same by hand (docs/decisions/008-cold-start.md). */
export const coldStartBudget = 1.8
