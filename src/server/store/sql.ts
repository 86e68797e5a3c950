import { systemClock } from '../../clock.ts'
import { PkceClientError } from '../../errors.ts'
import type { Clock } from '../../clock.ts'
import type { SessionIndex, SessionStore } from './session-store.ts'

/** `postgres`, or `sqlite` 3.35 or newer. */
export type SqlDialect = 'postgres' | 'sqlite'

/**
 * Runs one statement by the app's own client and gives its rows; every statement has rows. `parameters` are in the order of the
 * statement: `$1`, `$2` for `postgres`, `?` for `sqlite`.
 */
export type SqlQuery = (
  text: string,
  parameters: (string | number | null)[],
) => readonly unknown[] | Promise<readonly unknown[]>

/** Options of {@link sqlSessions}. */
export interface SqlSessionsOptions {
  /** Runs a statement by the app's own client. */
  query: SqlQuery
  /** What the database speaks. */
  dialect: SqlDialect
  /** The name of the first table; the second one's has `_index` behind it. `pkce_sessions` when left out. */
  table?: string | undefined
  /** Tells when a minute has passed, for the sweep; the machine's when left out. The time of sessions is the database's. */
  clock?: Clock | undefined
}

const now = {
  postgres: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
  sqlite: "cast((julianday('now') - 2440587.5) * 86400000 as integer)",
}
/** How many rows one sweep removes at most, so that nobody waits long for it. */
const sweepSize = 1000

/**
 * Creates a store of sessions in an SQL database, over the app's own client: `async (text, parameters) => (await pool.query(text,
 * parameters)).rows` with node-postgres, `(text, parameters) => db.prepare(text).all(...parameters)` with better-sqlite3. The tables
 * are those of {@link schema}. What has expired is swept by a write, at most once a minute. Rejects with what the client rejects with.
 */
export function sqlSessions(options: SqlSessionsOptions): SessionStore {
  const { query, dialect, clock = systemClock() } = options
  const { table, indexTable } = tablesOf(dialect, options.table)
  const time = now[dialect]
  const isAlive = `(expires_at is null or expires_at > ${time})`
  const sweep = createSweep(clock, () => removeExpired())

  async function run(text: string, ...parameters: (string | number | null)[]): Promise<unknown[]> {
    let count = 0
    const numbered = text.replace(/\?/g, () => `$${(count += 1)}`)
    return [...(await query(dialect === 'postgres' ? numbered : text, parameters))]
  }
  const changes = async (...args: Parameters<typeof run>) => (await run(...args)).length > 0

  /** Before the value is there: a process that dies in between leaves a name of nothing, and no session without its name. */
  async function name(key: string, { names, ttl }: SessionIndex): Promise<void> {
    for (const one of names) {
      await run(
        `insert into ${indexTable} as found (name, key, expires_at) values (?, ?, ${time} + ?)
        on conflict (name, key) do update set expires_at = case
          when excluded.expires_at is null or excluded.expires_at > found.expires_at then excluded.expires_at
          else found.expires_at end
        returning key`,
        ...[one, key, wholeOf(ttl)],
      )
    }
  }

  async function removeExpired(): Promise<boolean> {
    const others = dialect === 'postgres' ? 'for update skip locked' : ''
    const removed = async (from: string, id: string) =>
      run(`delete from ${from} where (${id}) in
        (select ${id} from ${from} where expires_at <= ${time} limit ${sweepSize} ${others})
        returning key`)
    const rows = [await removed(table, 'key'), await removed(indexTable, 'name, key')]
    return rows.every(({ length }) => length < sweepSize)
  }

  return {
    async get(key) {
      const rows = await run(`select value from ${table} where key = ? and ${isAlive}`, key)
      return (rows[0] as { value: string } | undefined)?.value
    },
    async add(key, value, { ttl, index }) {
      if (index) await name(key, index)
      const added = await changes(
        `insert into ${table} as held (key, value, expires_at) values (?, ?, ${time} + ?)
        on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at
          where held.expires_at <= ${time}
        returning key`,
        ...[key, value, wholeOf(ttl)],
      )
      await sweep()
      return added
    },
    async swap(key, { seen, value, ttl }) {
      const swapped = await changes(
        `update ${table} set value = ?, expires_at = ${time} + ?
        where key = ? and value = ? and ${isAlive} returning key`,
        ...[value, wholeOf(ttl), key, seen],
      )
      await sweep()
      return swapped
    },
    async touch(key, ttl) {
      const whole = wholeOf(ttl)
      // A row that was written a moment ago is left alone: a write costs more than a read.
      await run(
        `update ${table} set expires_at = ${time} + ? where key = ? and ${isAlive}
          and (expires_at is null or ${whole === null} or abs(expires_at - ${time} - ?) > ?) returning key`,
        ...[whole, key, whole ?? 0, Math.floor((whole ?? 0) / 60)],
      )
    },
    async remove(key, seen) {
      if (seen === undefined) await run(`delete from ${table} where key = ? returning key`, key)
      else await run(`delete from ${table} where key = ? and value = ? returning key`, key, seen)
    },
    async find(index) {
      const rows = await run(`select key from ${indexTable} where name = ? and ${isAlive}`, index)
      return rows.map((row) => (row as { key: string }).key)
    },
  }
}

/** The statements that create the tables of {@link sqlSessions}, for the app's migrations. They can be run again. */
export function schema(
  dialect: SqlDialect,
  options: { table?: string | undefined } = {},
): string[] {
  const { table, indexTable } = tablesOf(dialect, options.table)
  const times = dialect === 'postgres' ? 'bigint' : 'integer'
  const indexName = (of: string) => `${of.slice(of.indexOf('.') + 1)}_expires_at`
  return [
    `create table if not exists ${table} (key text primary key, value text not null, expires_at ${times})`,
    `create index if not exists ${indexName(table)} on ${table} (expires_at)`,
    `create table if not exists ${indexTable} (name text not null, key text not null, expires_at ${times}, primary key (name, key))`,
    `create index if not exists ${indexName(indexTable)} on ${indexTable} (expires_at)`,
  ]
}

function tablesOf(dialect: string, table = 'pkce_sessions') {
  if (!Object.hasOwn(now, dialect)) {
    throw new PkceClientError('invalid_option', `dialect must be 'postgres' or 'sqlite'.`)
  }
  if (!/^(?:[a-z_]\w*\.)?[a-z_]\w*$/i.test(table)) {
    throw new PkceClientError(
      'invalid_option',
      'table must be letters, digits and underscores, with a schema and a dot before it if need be.',
    )
  }
  return { table, indexTable: `${table}_index` }
}

/** Databases count whole milliseconds; nothing stands for no end. */
function wholeOf(ttl: number): number | null {
  return ttl === Infinity ? null : Math.max(1, Math.ceil(ttl))
}

/** `work` resolves to whether it is done for now. That it fails is nobody's concern who writes a session. */
function createSweep(clock: Clock, work: () => Promise<boolean>): () => Promise<void> {
  let last = clock.now()
  return async () => {
    // Also when the clock was set back.
    if (Math.abs(clock.now() - last) < 60_000) return
    const before = last
    last = clock.now()
    if (!(await work().catch(() => true))) last = before
  }
}
