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

/** What the blocks export, each its own part. */
interface Block {
  sessions: SessionStore
  redis: { quit(): unknown; close(): unknown }
  cluster: { close(): unknown }
  pool: pg.Pool
  client: libSqlClient.Client
  migrate(): Promise<void>
}

async function run(name: string) {
  for (const [variable, value] of Object.entries({
    REDIS_URL: inject('redis'),
    REDIS_CLUSTER_URL: inject('redisCluster'),
    DATABASE_URL: inject('postgres'),
    SQLITE_URL: `file:${join(folder, 'one.db')}`,
    SQLITE_FILE: join(folder, 'other.db'),
  }))
    vi.stubEnv(variable, value)
  return (await app.run(name)) as unknown as Block
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
  endings.push(() => redis.quit())
  await expectStore(sessions)
  await expectStore((await run('fallback.ts')).sessions)
})

test('Redis through node-redis', async () => {
  const { redis, sessions } = await run('node-redis.ts')
  endings.push(() => redis.close())
  await expectStore(sessions)
})

test('a cluster of Redis through node-redis', async () => {
  await formCluster(inject('redisCluster'))
  const { cluster, sessions } = await run('cluster.ts')
  endings.push(() => cluster.close())
  await expectStore(sessions)
})

test('PostgreSQL', async () => {
  const { pool, migrate, sessions } = await run('postgres.ts')
  endings.push(() => pool.end())
  await migrate()
  await expectStore(sessions)
})

test('SQLite through libSQL', async () => {
  const { client, sessions } = await run('libsql.ts')
  endings.push(() => client.close())
  await expectStore(sessions)
})

test('SQLite through better-sqlite3', async () => {
  await expectStore((await run('better-sqlite3.ts')).sessions)
})
