// @ts-check
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Keeps each value in a file of its own, which only its owner can read.
 * @param {string} directory made when it is first written to
 * @returns {import('pkce-client').Store}
 */
export function fileStore(directory) {
  const fileOf = (/** @type {string} */ key) => join(directory, `${encodeURIComponent(key)}.json`)
  return {
    shared: true,

    async get(key) {
      try {
        return await readFile(fileOf(key), 'utf8')
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
        return undefined
      }
    },

    async set(key, value) {
      const file = fileOf(key)
      const written = `${file}.${randomUUID()}`
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeFile(written, value, { mode: 0o600 })
      // Whoever reads meanwhile gets the old value or the new one, and no half of it.
      await rename(written, file)
    },

    remove: (key) => rm(fileOf(key), { force: true }),
  }
}
