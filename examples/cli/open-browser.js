// @ts-check
import { spawn } from 'node:child_process'

/** @type {Partial<Record<NodeJS.Platform, [string, ...string[]]>>} */
const programs = { darwin: ['open'], win32: ['rundll32', 'url.dll,FileProtocolHandler'] }

/**
 * Opens the URL in the user's browser, and prints it for terminals where there is none.
 * @param {string} url
 */
export function openBrowser(url) {
  console.error(`Sign in in your browser. If it does not open, visit\n\n  ${url}\n`)
  startBrowser(url)
}

/**
 * Opens the URL in the user's browser, if there is one.
 * @param {string} url
 */
export function startBrowser(url) {
  const [program, ...args] = programs[process.platform] ?? ['xdg-open']
  // No shell, in which "&" would mean something.
  spawn(program, [...args, url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref()
}
