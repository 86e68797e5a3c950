import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient as createLibSql } from '@libsql/client'
import { Cluster, Redis } from 'ioredis'
import pg from 'pg'
import { createClient } from 'redis'
import { afterAll, inject } from 'vitest'
import { memorySessions } from '../../../src/server/store/memory.ts'
import { redisSessions } from '../../../src/server/store/redis.ts'
import { schema, sqlSessions } from '../../../src/server/store/sql.ts'
import { sessionStoreContract } from '../../contracts/session-store.ts'
import { formCluster } from '../../support/redis-cluster.ts'

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings) await end()
})

sessionStoreContract('memory', () => memorySessions())

sessionStoreContract('Redis through ioredis', () => {
  const redis = new Redis(inject('redis'))
  endings.push(() => redis.quit())
  return redisSessions((command) => redis.call(...command))
})

sessionStoreContract('Redis through node-redis', async () => {
  const redis = await createClient({ url: inject('redis') }).connect()
  endings.push(() => redis.close())
  return redisSessions((command) => redis.sendCommand(command), { prefix: 'app two:' })
})

sessionStoreContract('a cluster of Redis', async () => {
  await formCluster(inject('redisCluster'))
  const { hostname: host, port } = new URL(inject('redisCluster'))
  const cluster = new Cluster([{ host, port: Number(port) }])
  endings.push(() => cluster.quit())
  return redisSessions((command) => cluster.call(...command))
})

sessionStoreContract('PostgreSQL', async () => {
  const pool = new pg.Pool({ connectionString: inject('postgres'), max: 20 })
  endings.push(() => pool.end())
  for (const statement of schema('postgres')) await pool.query(statement)
  return sqlSessions({
    dialect: 'postgres',
    query: async (text, parameters) => (await pool.query(text, parameters)).rows,
  })
})

sessionStoreContract('SQLite through libSQL', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pkce-client-sqlite-'))
  const client = createLibSql({ url: `file:${join(folder, 'sessions.db')}` })
  endings.push(() => {
    client.close()
    rmSync(folder, { recursive: true })
  })
  for (const statement of schema('sqlite')) await client.execute(statement)
  return sqlSessions({
    dialect: 'sqlite',
    query: async (sql, args) => (await client.execute({ sql, args })).rows,
  })
})
