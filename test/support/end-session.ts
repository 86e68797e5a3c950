import { expect } from 'vitest'
import type { World } from './world.ts'

export const home = 'https://app.example.com/'
export const withReturn = { client: { postSignOutRedirectUri: home } }

/** The end-session request that the page was sent away with. */
export function endSession(world: World): URL {
  const url = new URL(world.tab.navigations.at(-1)!)
  expect(url.pathname).toBe('/end_session')
  return url
}

/** Where the server sends the person after the end-session request. */
export async function returnFrom(world: World, url: URL): Promise<string> {
  const response = await world.server.fetch(url, { redirect: 'manual' })
  expect(response.status).toBe(303)
  return response.headers.get('location')!
}
