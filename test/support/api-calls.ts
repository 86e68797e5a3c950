import { signedInTab } from './world.ts'
import type { SignedInOptions, World } from './world.ts'

export const api = 'https://api.example.com'
/** Answers with what it was sent. */
export const echo = `${api}/echo`

export interface Echo {
  method: string
  url: string
  authorized: boolean
  scheme: string | null
  headers: Record<string, string>
  body: string
}

export const readEcho = async (response: Response) => (await response.json()) as Echo

/** Ada has been signed in for a minute. */
export async function settledTab(options: SignedInOptions = {}) {
  const world = await signedInTab(options)
  await world.clock.advance(60_000)
  return world
}

/** Every request that carried the header of a token, and where it went. */
export function carriers({ server }: Pick<World, 'server'>): string[] {
  return server.requests
    .filter(({ headers }) => headers.authorization !== undefined)
    .map(({ url }) => url)
}
