/**
 * Bytes of minified and gzipped code, oauth4webapi included, that an app pays for what it imports. Only sizes fail a
 * build: they are the same on every machine.
 *
 * The main job is over its budget, which is its `aim`; docs/decisions/004-size.md says why. Until it is within, the build
 * fails on growth: lower `bytes` with every byte that is saved, and never raise it.
 */
export const sizeBudgets = {
  'the main job': {
    imports: `import { PkceClient } from 'pkce-client'; globalThis.client = PkceClient`,
    bytes: 24_300,
    aim: 17_500,
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
  'the session to render on a server': {
    imports: `export { unknownSession } from 'pkce-client'`,
    bytes: 120,
    aim: 120,
  },
} as const

/** Microseconds that one authorized call with a fresh token may add to the fetch beneath it. */
export const hotPathBudgets = {
  'GET, string': 1.0,
  'GET, URL': 1.0,
  'POST, plain headers': 1.5,
} as const

/** Milliseconds from the import to an authorization URL, in a process that has just begun. */
export const coldStartBudget = 8
