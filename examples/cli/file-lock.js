// @ts-check
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

/**
 * Mutual exclusion between processes: two commands at once must not send one refresh token twice, because servers end the
 * session for that. Whoever has made the file holds the lock, and its process ID is in it. Processes get it in no order, and
 * one that holds it is not told when it was taken away, which the client does with a process that hangs.
 * @param {string} directory
 * @returns {import('pkce-client').Lock}
 */
export function fileLock(directory) {
  return {
    async request(name, { steal, signal }, task) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const file = join(directory, `${encodeURIComponent(name)}.lock`)
      if (steal) await rm(file, { force: true })
      while (!(await make(file))) {
        signal?.throwIfAborted()
        if (!(await isHeld(file))) await removeLeftover(file)
        await setTimeout(20)
      }
      try {
        return await task()
      } finally {
        if ((await holder(file)) === process.pid) await rm(file, { force: true })
      }
    },
  }
}

/** Resolves to whether it was made by this call: of several that try, one succeeds. @param {string} file */
async function make(file) {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Of several that find the lock of a process that was killed, one removes it, and no fresh lock. @param {string} file */
async function removeLeftover(file) {
  const permit = `${file}.remove`
  if (!(await make(permit))) return
  if (!(await isHeld(file))) await rm(file, { force: true })
  await rm(permit)
}

/** @param {string} file */
async function isHeld(file) {
  const pid = await holder(file)
  try {
    // Signal 0 only asks whether the process exists. A file that is empty was made this very moment.
    return !pid || process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
}

/** @param {string} file */
async function holder(file) {
  return Number(await readFile(file, 'utf8').catch(() => ''))
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code
}
