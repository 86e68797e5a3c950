import type { FaultName, FaultOptions } from './fault.ts'

type CallbackFault = Extract<FaultName, `callback-${string}`>

/** How each fault changes the URL the app is called back with. */
export const callbackFaults: {
  [Name in CallbackFault]: (callback: URL, options: FaultOptions[Name]) => void
} = {
  'callback-iss-missing': (callback) => callback.searchParams.delete('iss'),
  'callback-iss-wrong': (callback, { iss = 'https://attacker.example' }) =>
    callback.searchParams.set('iss', iss),
  'callback-iss-empty': (callback) => callback.searchParams.set('iss', ''),
  'callback-iss-duplicate': (callback, { iss }) =>
    callback.searchParams.append('iss', iss ?? callback.searchParams.get('iss') ?? ''),
  'callback-state-missing': (callback) => callback.searchParams.delete('state'),
  'callback-state-wrong': (callback, { state = 'a-state-of-somebody-else' }) =>
    callback.searchParams.set('state', state),
  'callback-state-empty': (callback) => callback.searchParams.set('state', ''),
  'callback-state-duplicate': (callback, { state }) =>
    callback.searchParams.append('state', state ?? callback.searchParams.get('state') ?? ''),
  'callback-code-missing': (callback) => callback.searchParams.delete('code'),
  'callback-code-empty': (callback) => callback.searchParams.set('code', ''),
  'callback-code-wrong': (callback, { code = 'a-code-of-somebody-else' }) =>
    callback.searchParams.set('code', code),
  'callback-code-duplicate': (callback, { code }) =>
    callback.searchParams.append('code', code ?? callback.searchParams.get('code') ?? ''),
  'callback-code-in-fragment': (callback) => {
    callback.hash = callback.search.slice(1)
    callback.search = ''
  },
  'callback-error-and-code': (callback, { error = 'access_denied' }) =>
    callback.searchParams.set('error', error),
  'callback-error': (callback, { error = 'server_error', description, uri }) => {
    callback.searchParams.delete('code')
    callback.searchParams.set('error', error)
    if (description !== undefined) callback.searchParams.set('error_description', description)
    if (uri !== undefined) callback.searchParams.set('error_uri', uri)
  },
  'callback-error-duplicate': (callback) => {
    callback.searchParams.delete('code')
    callback.searchParams.append('error', 'access_denied')
    callback.searchParams.append('error', 'server_error')
  },
  'callback-access-token': (callback) =>
    callback.searchParams.set('access_token', 'a-token-of-somebody-else'),
  'callback-id-token': (callback) =>
    callback.searchParams.set('id_token', 'eyJhbGciOiJub25lIn0.e30.'),
  'callback-parameters': (callback, { set = {}, remove = [], append = [] }) => {
    for (const name of remove) callback.searchParams.delete(name)
    for (const [name, value] of Object.entries(set)) callback.searchParams.set(name, String(value))
    for (const [name, value] of append) callback.searchParams.append(name, value)
  },
}
