// @ts-check
import { homedir } from 'node:os'
import { join } from 'node:path'
import { PkceClient } from 'pkce-client'
import { loopback } from 'pkce-client/node'
import { fileLock } from './file-lock.js'
import { fileStore } from './file-store.js'
import { openBrowser } from './open-browser.js'

const directory = join(homedir(), '.pkce-client-example')

export const api = process.env.API ?? 'http://127.0.0.1:4281/'

export const auth = new PkceClient({
  issuer: process.env.ISSUER ?? 'http://127.0.0.1:4280',
  clientId: 'cli-example',
  redirectUri: 'http://127.0.0.1/callback', // the server allows any port of it
  scope: 'openid profile offline_access',
  resources: [api],
  store: fileStore(directory),
  lock: fileLock(directory),
  navigator: loopback({ open: openBrowser }),
})
