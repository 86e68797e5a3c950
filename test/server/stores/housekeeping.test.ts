import { createClient as createLibSql } from '@libsql/client'
import { Redis } from 'ioredis'
import { createFakeClock } from 'pkce-client/testing'
import pg from 'pg'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { memorySessions } from '../../../src/server/store/memory.ts'
import { redisSessions } from '../../../src/server/store/redis.ts'
import { schema, sqlSessions } from '../../../src/server/store/sql.ts'
import { pause } from '../../contracts/session-store.ts'
import type { SqlQuery } from '../../../src/server/store/sql.ts'
import type { RedisCommand } from '../../../src/server/store/redis.ts'

const redis = new Redis(inject('redis'))
const pool = new pg.Pool({ connectionString: inject('postgres') })
const libSql = createLibSql({ url: 'file::memory:?cache=shared' })
afterAll(async () => {
  libSql.close()
  await Promise.all([redis.quit(), pool.end()])
})

const databases = {
  postgres: async (text, parameters) => (await pool.query(text, parameters)).rows as unknown[],
  sqlite: async (sql, args) => (await libSql.execute({ sql, args })).rows,
} satisfies Record<string, SqlQuery>

describe.each(['postgres', 'sqlite'] as const)('sqlSessions in %s', (dialect) => {
  const table = `swept_${dialect}`
  const query = databases[dialect]

  async function prepare() {
    for (const statement of schema(dialect, { table })) await query(statement, [])
    for (const name of [table, `${table}_index`]) await query(`delete from ${name}`, [])
    const clock = createFakeClock()
    const count = async (name: string) =>
      (await query(`select key from ${name} order by key`, [])).length
    return {
      clock,
      sessions: sqlSessions({ query, dialect, table, clock }),
      count: async () => [await count(table), await count(`${table}_index`)],
    }
  }

  test('sweeps what has expired, by a write, at most once a minute', async () => {
    const { clock, sessions, count } = await prepare()
    const index = { names: ['sub'], ttl: 1 }
    await sessions.add('one', 'value', { ttl: 1, index })
    await sessions.add('stays', 'value', { ttl: Infinity, index: { ...index, ttl: 60_000 } })
    await pause(30)
    await sessions.swap('stays', { seen: 'value', value: 'next', ttl: Infinity })
    expect(await count()).toEqual([2, 2])
    clock.jump(60_000)
    await sessions.get('stays')
    expect(await count()).toEqual([2, 2])
    await sessions.swap('stays', { seen: 'next', value: 'last', ttl: Infinity })
    expect(await count()).toEqual([1, 1])
    expect(await sessions.get('stays')).toBe('last')
    await sessions.add('two', 'value', { ttl: 1 })
    await pause(30)
    await sessions.swap('stays', { seen: 'last', value: 'next', ttl: Infinity })
    expect(await count()).toEqual([2, 1])
  })

  test('sweeps a thousand at a time, so that nobody waits for ten thousand', async () => {
    const { clock, sessions, count } = await prepare()
    for (let row = 0; row < 5; row += 1) {
      const keys = Array.from({ length: 300 }, (_, one) => `('key ${row} ${one}', '', 1)`)
      await query(
        `insert into ${table} (key, value, expires_at) values ${keys.join()} returning key`,
        [],
      )
    }
    clock.jump(-3_600_000)
    await sessions.add('first', 'value', { ttl: Infinity })
    expect(await count()).toEqual([501, 0])
    await sessions.add('second', 'value', { ttl: Infinity })
    expect(await count()).toEqual([2, 0])
  })

  test('a sweep that fails costs nobody a sign-in', async () => {
    const { clock } = await prepare()
    let sweeps = 0
    const sessions = sqlSessions({
      dialect,
      table,
      clock,
      query(text, parameters) {
        if (!text.includes('limit')) return query(text, parameters)
        sweeps += 1
        throw new Error('deadlock')
      },
    })
    clock.jump(60_000)
    for (const key of ['key', 'other key'])
      expect(await sessions.add(key, 'value', { ttl: 1 })).toBe(true)
    expect(sweeps).toBe(1)
  })

  test('leaves a value alone that was touched a moment ago', async () => {
    const { sessions } = await prepare()
    await sessions.add('key', 'value', { ttl: 60_000 })
    const end = async () => await query(`select expires_at from ${table} where key = 'key'`, [])
    const before = await end()
    await pause(20)
    await sessions.touch('key', 60_000)
    expect(await end()).toEqual(before)
    await sessions.touch('key', 62_000)
    expect(await end()).not.toEqual(before)
  })

  test('its schema can be run again', async () => {
    await prepare()
    for (const statement of schema(dialect, { table })) await query(statement, [])
  })
})

test('a table may be in a schema of PostgreSQL', async () => {
  const table = 'auth.sessions'
  await pool.query('create schema if not exists auth')
  for (const statement of schema('postgres', { table })) await pool.query(statement)
  const sessions = sqlSessions({ query: databases.postgres, dialect: 'postgres', table })
  await sessions.add('key', 'value', { ttl: 60_000, index: { names: ['sub'], ttl: 60_000 } })
  expect(await sessions.find('sub')).toEqual(['key'])
})

test.each(['sessions; drop table users', 'a.b.c', '', '1st', 'a-b'])(
  'a table named %j is refused, because names cannot be parameters',
  (table) => {
    expect(() => schema('sqlite', { table })).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringMatching(/^table must be letters, digits/) as string,
      }),
    )
  },
)

test('a dialect that is none is refused', () => {
  const dialect = 'mysql' as 'sqlite'
  expect(() => sqlSessions({ query: databases.sqlite, dialect })).toThrow(
    expect.objectContaining({
      code: 'invalid_option',
      message: "dialect must be 'postgres' or 'sqlite'.",
    }),
  )
})

describe('redisSessions', () => {
  const command: RedisCommand = (args) => redis.call(...args)

  test('an index forgets those whose time is over, and ends with the last of them', async () => {
    const sessions = redisSessions(command, { prefix: 'forgets:' })
    const add = (key: string, ttl: number) =>
      sessions.add(key, 'value', { ttl, index: { names: ['sub'], ttl } })
    await add('short', 20)
    await pause(50)
    await add('long', 60_000)
    await add('shorter', 1_000)
    expect(await sessions.find('sub')).toEqual(['shorter', 'long'])
    expect(await redis.pttl('forgets:index|sub')).toBeGreaterThan(50_000)
  })

  test('keys of two apps in one Redis are apart', async () => {
    const [one, other] = [redisSessions(command), redisSessions(command, { prefix: 'other:' })]
    await one.add('apart', 'one', { ttl: 60_000 })
    expect(await other.add('apart', 'other', { ttl: 60_000 })).toBe(true)
    expect([await redis.get('pkce:apart'), await redis.get('other:apart')]).toEqual([
      'one',
      'other',
    ])
  })

  test('is told the key of each command, for clients of a cluster that ask for it', async () => {
    const keys: string[] = []
    const sessions = redisSessions((args, key) => {
      keys.push(key)
      return redis.call(...args)
    })
    await sessions.add('told', 'value', { ttl: 9, index: { names: ['sub'], ttl: 9 } })
    await sessions.swap('told', { seen: 'value', value: 'next', ttl: 9 })
    expect(keys).toEqual(['pkce:index|sub', 'pkce:told', 'pkce:told'])
  })

  test('a process that dies between the name and the value leaves no session without its name', async () => {
    const sent: string[] = []
    const sessions = redisSessions(([name]) => {
      sent.push(name)
      return name === 'SET' ? Promise.reject(new Error('the process died')) : Promise.resolve(1)
    })
    const adding = sessions.add('key', 'value', { ttl: 9, index: { names: ['sub'], ttl: 9 } })
    await expect(adding).rejects.toThrow('the process died')
    expect(sent).toEqual(['EVAL', 'SET'])
  })

  test('a function that forgets to return the reply signs nobody out: it is told so', async () => {
    const sessions = redisSessions(async () => undefined)
    for (const attempt of [
      sessions.get('key'),
      sessions.swap('key', { seen: 'value', value: 'next', ttl: 9 }),
    ]) {
      await expect(attempt).rejects.toMatchObject({
        code: 'invalid_option',
        message:
          'The function that redisSessions() was given must return the promise of the reply, and returned nothing.',
      })
    }
  })
})

test('memorySessions sweeps what has expired, by a write, and keeps the rest', async () => {
  const clock = createFakeClock()
  const sessions = memorySessions({ clock })
  const index = { names: ['sub'], ttl: Infinity }
  for (let count = 0; count < 1_000; count += 1) {
    await sessions.add(`key ${count}`, 'value', { ttl: 1_000, index })
  }
  await sessions.add('stays', 'value', { ttl: Infinity, index })
  expect(await sessions.find('sub')).toHaveLength(1_001)
  await clock.advance(59_000)
  await sessions.touch('stays', Infinity)
  expect(await sessions.find('sub')).toHaveLength(1_001)
  await clock.advance(1_000)
  await sessions.touch('stays', Infinity)
  expect(await sessions.find('sub')).toEqual(['stays'])
  expect(await sessions.get('stays')).toBe('value')
})
