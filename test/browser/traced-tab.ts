import type { BrowserContext, Page } from 'playwright-core'

/** What a tab did at `at`, in milliseconds since 1970 by the machine's one clock. Session records are told without secrets. */
export interface Entry {
  tab: string
  at: number
  what: 'read' | 'write' | 'seen' | 'asks for' | 'gets' | 'lets go' | 'sends' | 'answered'
  detail: string
  /** The locks the tab held. */
  locks: string[]
}

// Global of the page.
declare const entries: Omit<Entry, 'tab'>[]

/** Makes every tab that is opened from now on write down what it does with the session, its locks and the network. */
export const traceTabs = (person: BrowserContext): Promise<unknown> =>
  person.addInitScript(recordEverything)

/** What the tab did since it was asked last. */
export async function takeTrace(page: Page, tab: string): Promise<Entry[]> {
  const taken = await page.evaluate(() => entries.splice(0))
  return taken.map((entry) => ({ tab, ...entry }))
}

/** Runs in the page, before any script of it. */
function recordEverything(): void {
  const entries: Omit<Entry, 'tab'>[] = []
  Object.assign(globalThis, { entries })
  const locks: string[] = []
  const note = (what: Entry['what'], detail: string): void => {
    const at = performance.timeOrigin + performance.now()
    entries.push({ at, what, detail, locks: [...locks] })
  }

  const isSession = (key: string) => key.startsWith('pkce:') && !key.includes('|tx|')
  const told = (value: string | null): string => {
    if (value === null) return 'nothing'
    const { gen, pending, refreshToken, signedOut } = JSON.parse(value) as {
      gen: number
      pending?: { unknown: number; failures: number }
      refreshToken?: string
      signedOut?: string
    }
    const sending = pending && `pending (${pending.unknown} unknown, ${pending.failures} failures)`
    const token = refreshToken && `token ...${refreshToken.slice(-4)}`
    return [`generation ${gen}`, token, sending, signedOut].filter(Boolean).join(', ')
  }
  const { getItem, setItem } = Storage.prototype
  Storage.prototype.getItem = function (key) {
    const value = getItem.call(this, key)
    if (isSession(key)) note('read', told(value))
    return value
  }
  Storage.prototype.setItem = function (key, value) {
    setItem.call(this, key, value)
    if (isSession(key)) note('write', told(value))
  }
  addEventListener('storage', ({ key, newValue }) => {
    if (key !== null && isSession(key)) note('seen', told(newValue))
  })

  const nameOf = (name: string) => name.split('|')[2] ?? name
  const request = LockManager.prototype.request as (...args: unknown[]) => Promise<unknown>
  LockManager.prototype.request = async function (this: LockManager, ...args: unknown[]) {
    const name = nameOf(args[0] as string)
    const task = args.pop() as (lock: Lock | null) => unknown
    const { steal } = (args[1] ?? {}) as LockOptions
    note('asks for', `${name}${steal ? ' by force' : ''}`)
    return request.call(this, ...args, async (lock: Lock | null) => {
      locks.push(name)
      note('gets', name)
      try {
        return await task(lock)
      } finally {
        locks.splice(locks.indexOf(name), 1)
        note('lets go', name)
      }
    })
  }

  const { fetch } = globalThis
  globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const token = new URLSearchParams(init?.body as URLSearchParams).get('refresh_token')
    note('sends', [url.pathname, token && `token ...${token.slice(-4)}`].filter(Boolean).join(' '))
    const answer = fetch(input, init)
    answer.then(
      ({ status }) => note('answered', `${url.pathname} ${status}`),
      (error: unknown) => note('answered', `${url.pathname} ${String(error)}`),
    )
    return answer
  }
}

/** The interleaved trace, a line for each entry. */
export function toldTrace(entries: readonly Entry[]): string {
  const start = entries[0]?.at ?? 0
  return entries
    .map(({ tab, at, what, detail, locks }) => {
      const held = locks.length > 0 ? ` [${locks.join(', ')}]` : ''
      return `${(at - start).toFixed(1).padStart(9)} ms  ${tab.padEnd(6)} ${what} ${detail}${held}`
    })
    .join('\n')
}

/** Counts the reads that show what was there before another tab's write, and by how much they are late. */
export function countStaleReads() {
  const writes: Entry[] = []
  const stale = new Map<string, { count: number; longest: number }>()
  let reads = 0

  function look(read: Entry): void {
    reads += 1
    const found = writes.map(({ detail }) => detail).lastIndexOf(read.detail)
    const missed = writes.slice(found + 1).find(({ tab }) => tab !== read.tab)
    if (found < 0 || !missed) return
    const lock = read.locks.at(-1) ?? 'no'
    const { count, longest } = stale.get(lock) ?? { count: 0, longest: 0 }
    stale.set(lock, { count: count + 1, longest: Math.max(longest, read.at - missed.at) })
  }

  return {
    add(entries: readonly Entry[]): void {
      for (const entry of entries) {
        if (entry.what === 'write') writes.push(entry)
        if (entry.what === 'read') look(entry)
      }
      writes.splice(0, writes.length - 4)
    },
    told: (): string =>
      [
        `${reads} reads`,
        ...[...stale].map(
          ([lock, { count, longest }]) =>
            `${count} stale under ${lock} lock (longest ${longest.toFixed(1)} ms)`,
        ),
      ].join(', '),
  }
}
