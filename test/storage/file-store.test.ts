import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { fileStore } from '../../examples/cli/file-store.js'
import { storeContract } from '../contracts/store.ts'

const place = mkdtempSync(join(tmpdir(), 'pkce-client-files-'))
afterAll(() => rmSync(place, { recursive: true }))

// As an app writes one, from the guide on the command line.
storeContract('the file store of examples/cli', () => fileStore(mkdtempSync(join(place, 'store-'))))

test('values of one key that are set at once leave one file, and no part of one', async () => {
  const directory = join(place, 'at-once')
  const store = fileStore(directory)
  const values = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000))
  await Promise.all(values.map(async (value) => store.set('a', value)))
  expect(values).toContain(await store.get('a'))
  expect(readdirSync(directory)).toHaveLength(1)
})

test('a directory that cannot be read is an error, and not the absence of a session', async () => {
  await expect(fileStore(process.execPath).get('a')).rejects.toMatchObject({ code: 'ENOTDIR' })
})
