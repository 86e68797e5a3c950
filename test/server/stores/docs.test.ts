import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as libSqlClient from '@libsql/client'
import * as ioredis from 'ioredis'
import Database from 'libsql'
import * as pg from 'pg'
import * as redis from 'redis'
import { afterAll, expect, inject, test, vi } from 'vitest'
import { loadApp } from '../../docs/app.ts'
import { formCluster } from '../../support/redis-cluster.ts'
import type { SessionStore } from '../../../src/server/store/session-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'pkce-client-docs-'))
const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings) await end()
  rmSync(folder, { recursive: true })
})

const app = loadApp('docs/server-stores.md', {
  ioredis,
  redis,
  pg,
  '@libsql/client': libSqlClient,
  // It has the same functions, and needs no compiler.
  'better-sqlite3': { default: Database },
})

async function run(name: string) {
  for (const [variable, value] of Object.entries({
    REDIS_URL: inject('redis'),
    REDIS_CLUSTER_URL: inject('redisCluster'),
    DATABASE_URL: inject('postgres'),
    SQLITE_URL: `file:${join(folder, 'one.db')}`,
    SQLITE_FILE: join(folder, 'other.db'),
  }))
    vi.stubEnv(variable, value)
  return (await app.run(name)) as Record<string, never>
}

async function expectStore(sessions: SessionStore) {
  const key = `session|of the docs ${Math.random()}`
  const index = { names: [key], ttl: 60_000 }
  expect(await sessions.add(key, 'first', { ttl: 60_000, index })).toBe(true)
  expect(await sessions.swap(key, { seen: 'first', value: 'next', ttl: 60_000 })).toBe(true)
  expect(await sessions.get(key)).toBe('next')
  expect(await sessions.find(key)).toEqual([key])
  await sessions.remove(key, 'next')
  expect(await sessions.get(key)).toBeUndefined()
}

test('Redis through ioredis, and withFallback over it', async () => {
  const { redis, sessions } = await run('ioredis.ts')
  endings.push(() => (redis as ioredis.Redis).quit())
  await expectStore(sessions)
  await expectStore((await run('fallback.ts'))['sessions']!)
})

test('Redis through node-redis', async () => {
  const { redis, sessions } = await run('node-redis.ts')
  endings.push(() => (redis as { close: () => unknown }).close())
  await expectStore(sessions)
})

test('a cluster of Redis through node-redis', async () => {
  await formCluster(inject('redisCluster'))
  const { cluster, sessions } = await run('cluster.ts')
  endings.push(() => (cluster as { close: () => unknown }).close())
  await expectStore(sessions)
})

test('PostgreSQL', async () => {
  const { pool, migrate, sessions } = await run('postgres.ts')
  endings.push(() => (pool as pg.Pool).end())
  await (migrate as () => Promise<void>)()
  await expectStore(sessions)
})

test('SQLite through libSQL', async () => {
  const { client, sessions } = await run('libsql.ts')
  endings.push(() => (client as libSqlClient.Client).close())
  await expectStore(sessions)
})

test('SQLite through better-sqlite3', async () => {
  await expectStore((await run('better-sqlite3.ts'))['sessions']!)
})
