#!/usr/bin/env node
// @ts-check
import { isPkceClientError } from 'pkce-client'
import { api, auth } from './auth.js'

/** @type {Record<string, () => Promise<void>>} */
const commands = {
  async 'sign-in'() {
    const { claims } = await auth.signIn()
    console.log(`Signed in as ${claims?.name}.`)
  },

  async me() {
    const response = await auth.fetch(new URL('users/me', api))
    if (!response.ok) throw new Error(`The API answered ${response.status}.`)
    console.log(JSON.stringify(await response.json(), null, 2))
  },

  async 'sign-out'() {
    await auth.signOut()
    console.log('Signed out.')
  },
}

const command = commands[process.argv[2] ?? '']
try {
  if (!command) throw new Error(`Usage: node cli.js ${Object.keys(commands).join(' | ')}`)
  await command()
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
} finally {
  auth.close()
}

/** @param {unknown} error */
function messageOf(error) {
  if (isPkceClientError(error) && error.sessionEnded)
    return 'You are not signed in: node cli.js sign-in'
  return error instanceof Error ? error.message : String(error)
}
