import { createRequire } from 'node:module'
import { enginesWithout } from '../../scripts/lint/oldest-engines.js'
import { options } from './global-reads.ts'

type Listed = Record<string, Record<string, unknown>>
const { api, javascript } = createRequire(import.meta.url)('@mdn/browser-compat-data') as {
  api: Listed
  javascript: { builtins: Listed }
}

/** What Node's own URL and Response cannot do without. In ours, lint and TypeScript refuse both. */
const neededByNode = ['URLSearchParams.size', 'String.toWellFormed']

/** What the oldest engines of the README lack: globals, and members of globals, as MDN lists them. */
export function youngerFeatures(): string[] {
  const owners = Object.entries({ ...api, ...javascript.builtins })
  return owners.flatMap(([owner, members]) =>
    [undefined, ...Object.keys(members)]
      .filter((member) => enginesWithout(owner, member).length > 0)
      .map((member) => (member === undefined ? owner : `${owner}.${member}`))
      .filter((name) => !neededByNode.includes(name)),
  )
}

/** A program that takes all of them away, and then signs in, renews and signs out with the package. */
export function visitWithout(features: readonly string[]): string {
  return `
    for (const feature of ${JSON.stringify(features)}) {
      const [owner, name] = feature.split('.')
      const [member, isStatic] = name?.split(/(_static)/) ?? []
      const key = member?.startsWith('@@') ? Symbol[member.slice(2)] : member
      const constructor = globalThis[owner]
      const place = isStatic || !Object.hasOwn(constructor?.prototype ?? {}, key) ? constructor : constructor.prototype
      if (name === undefined) delete globalThis[owner]
      else if (place && Object.getOwnPropertyDescriptor(place, key)?.configurable) delete place[key]
    }
    const { PkceClient } = await import('pkce-client')
    const { createAuthServer } = await import('pkce-client/testing')
    const server = createAuthServer()
    const auth = new PkceClient({ ...${options}, fetch: server.fetch })
    const { url } = await auth.createAuthorizationUrl({ returnTo: '/here' })
    const callback = await server.authorize(url, { username: 'ada', password: 'lovelace', consent: true })
    const { returnTo } = await auth.handleCallback(callback)
    const call = async () => (await auth.fetch(server.api.url + 'users/me')).status
    const first = await call()
    await auth.refresh()
    const again = await call()
    const { sub } = await auth.getUserInfo()
    await auth.signOut()
    console.log(typeof URL.canParse, returnTo, first, again, sub !== undefined, auth.getSession().reason)`
}
