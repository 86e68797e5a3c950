import { beforeAll, describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/server/store/session-store.ts'

const minute = 60_000

/** What every store of sessions does. All tests share one store, so that each takes keys of its own. */
export function sessionStoreContract(
  name: string,
  make: () => SessionStore | Promise<SessionStore>,
) {
  describe(`${name} keeps the contract of a store of sessions`, () => {
    let store: SessionStore
    let keys = 0
    const newKey = () => `session|${name}|${(keys += 1)}`
    const added = async (value = 'value', ttl = minute) => {
      const key = newKey()
      expect(await store.add(key, value, { ttl })).toBe(true)
      return key
    }
    const expired = async () => {
      const key = await added('old', 1)
      await pause(30)
      return key
    }
    beforeAll(async () => {
      store = await make()
    })

    describe('add', () => {
      test('gives the key its value', async () => {
        expect(await store.get(newKey())).toBeUndefined()
        expect(await store.get(await added('value'))).toBe('value')
      })

      test('leaves a value alone that is there', async () => {
        const key = await added('first')
        expect(await store.add(key, 'second', { ttl: minute })).toBe(false)
        expect(await store.get(key)).toBe('first')
      })

      test('is true for one of fifty who try at once', async () => {
        const key = newKey()
        const winners = await winnersOfFifty((one) => store.add(key, one, { ttl: minute }))
        expect(winners).toEqual([await store.get(key)])
      })

      test('is true for one of fifty when the value before has expired', async () => {
        const key = await expired()
        const winners = await winnersOfFifty((one) => store.add(key, one, { ttl: minute }))
        expect(winners).toEqual([await store.get(key)])
      })

      test('takes the place of what was removed', async () => {
        const key = await added('first')
        await store.remove(key)
        expect(await store.add(key, 'second', { ttl: minute })).toBe(true)
        expect(await store.get(key)).toBe('second')
      })

      test('does not let the time of what was there before count', async () => {
        const key = await expired()
        await store.add(key, 'new', { ttl: Infinity })
        await pause(30)
        expect(await store.get(key)).toBe('new')
      })
    })

    describe('swap', () => {
      test('replaces exactly what was seen', async () => {
        const key = await added('first')
        expect(await store.swap(key, { seen: 'first', value: 'second', ttl: minute })).toBe(true)
        expect(await store.get(key)).toBe('second')
        for (const seen of ['first', 'Second', 'second ', ' second', 'secon', '']) {
          expect(await store.swap(key, { seen, value: 'third', ttl: minute })).toBe(false)
        }
        expect(await store.get(key)).toBe('second')
      })

      test('is true for one of fifty who have seen the same', async () => {
        const key = await added('seen')
        const winners = await winnersOfFifty((value) =>
          store.swap(key, { seen: 'seen', value, ttl: minute }),
        )
        expect(winners).toEqual([await store.get(key)])
      })

      test('creates nothing that was removed, has expired or never was', async () => {
        const removed = await added('seen')
        await store.remove(removed)
        for (const key of [removed, await expired(), newKey()]) {
          expect(await store.swap(key, { seen: 'old', value: 'new', ttl: minute })).toBe(false)
          expect(await store.swap(key, { seen: 'seen', value: 'new', ttl: minute })).toBe(false)
          expect(await store.get(key)).toBeUndefined()
        }
      })

      test('of fifty who swap and one who removes, nothing is left', async () => {
        const key = await added('seen')
        await Promise.all([
          ...fifty.map((value) => store.swap(key, { seen: 'seen', value, ttl: minute })),
          store.remove(key),
          ...fifty.map((value) => store.swap(key, { seen: 'seen', value, ttl: minute })),
        ])
        expect(await store.get(key)).toBeUndefined()
      })

      test('with the same value lengthens its life, which is how a lock is renewed', async () => {
        const key = await added('me', 80)
        expect(await store.swap(key, { seen: 'me', value: 'me', ttl: minute })).toBe(true)
        await pause(120)
        expect(await store.get(key)).toBe('me')
      })

      test('shortens the life of a value that is over', async () => {
        const key = await added('seen')
        await store.swap(key, { seen: 'seen', value: 'over', ttl: 1, final: true })
        await pause(30)
        expect(await store.get(key)).toBeUndefined()
      })
    })

    describe('remove', () => {
      test('removes a value and nothing else', async () => {
        const [key, other] = [await added(), await added('other')]
        await store.remove(key)
        expect(await store.get(key)).toBeUndefined()
        expect(await store.get(other)).toBe('other')
        await store.remove(key)
      })

      test('removes only what was seen', async () => {
        const key = await added('mine')
        await store.remove(key, 'yours')
        expect(await store.get(key)).toBe('mine')
        await store.remove(key, 'mine')
        expect(await store.get(key)).toBeUndefined()
      })

      test('of fifty who remove their own, only the holder removes anything', async () => {
        const key = await added('holder')
        await Promise.all(fifty.map((value) => store.remove(key, value)))
        expect(await store.get(key)).toBe('holder')
      })
    })

    describe('time', () => {
      test('a value is gone when its time is over, and not before', async () => {
        const [short, long] = [await added('short', 100), await added('long', 2_000)]
        expect(await store.get(short)).toBe('short')
        await pause(150)
        expect(await store.get(short)).toBeUndefined()
        expect(await store.get(long)).toBe('long')
      })

      test('touch pushes the end on', async () => {
        const key = await added('value', 150)
        await store.touch(key, minute)
        await pause(200)
        expect(await store.get(key)).toBe('value')
      })

      test('touch can bring the end nearer, from no end too', async () => {
        for (const key of [await added('value'), await added('value', Infinity)]) {
          await store.touch(key, 1)
          await pause(30)
          expect(await store.get(key)).toBeUndefined()
        }
      })

      test('touch can take the end away', async () => {
        const key = await added('value', 100)
        await store.touch(key, Infinity)
        await pause(150)
        expect(await store.get(key)).toBe('value')
      })

      test('touch creates nothing', async () => {
        for (const key of [newKey(), await expired()]) {
          await store.touch(key, minute)
          expect(await store.get(key)).toBeUndefined()
          expect(await store.add(key, 'new', { ttl: minute })).toBe(true)
        }
      })

      test('takes parts of a millisecond, nothing at all, and no end', async () => {
        for (const ttl of [0.2, 0]) {
          const key = await added('value', ttl)
          await store.touch(key, ttl)
          await pause(30)
          expect(await store.get(key)).toBeUndefined()
        }
        const key = await added('value', Infinity)
        expect(await store.swap(key, { seen: 'value', value: 'next', ttl: Infinity })).toBe(true)
        expect(await store.swap(key, { seen: 'next', value: 'last', ttl: 1234.5 })).toBe(true)
        expect(await store.get(key)).toBe('last')
      })
    })

    describe('find', () => {
      const index = (...names: string[]) => ({ names, ttl: minute })
      const sorted = async (name: string) => (await store.find(name)).sort()

      test('gives the keys that were added under a name', async () => {
        const [one, other] = [newKey(), newKey()]
        await store.add(one, 'one', { ttl: minute, index: index(`sub of ${one}`, `sid of ${one}`) })
        await store.add(other, 'other', {
          ttl: minute,
          index: index(`sub of ${one}`, `sid of ${other}`),
        })
        expect(await sorted(`sub of ${one}`)).toEqual([one, other].sort())
        expect(await store.find(`sid of ${one}`)).toEqual([one])
        expect(await store.find('nobody')).toEqual([])
      })

      test('has all of fifty who were added at once', async () => {
        const added = fifty.map(() => newKey())
        await Promise.all(
          added.map((key) =>
            store.add(key, 'value', { ttl: minute, index: index(`all of ${added[0]}`) }),
          ),
        )
        expect(await sorted(`all of ${added[0]}`)).toEqual(added.sort())
      })

      test('still has a key whose value was changed and lives longer', async () => {
        const key = newKey()
        const names = { names: [`of ${key}`], ttl: minute }
        await store.add(key, 'value', { ttl: 100, index: names })
        await store.swap(key, { seen: 'value', value: 'next', ttl: minute })
        await pause(150)
        expect(await store.find(`of ${key}`)).toEqual([key])
      })

      test('one name that ends early takes no other along', async () => {
        const [long, short] = [newKey(), newKey()]
        await store.add(long, 'value', {
          ttl: minute,
          index: { names: [`both of ${long}`], ttl: Infinity },
        })
        await store.add(short, 'value', {
          ttl: minute,
          index: { names: [`both of ${long}`], ttl: 1 },
        })
        await pause(30)
        expect(await store.find(`both of ${long}`)).toContain(long)
      })

      test('a name of a key that is added again lasts as long as the longer of both', async () => {
        const key = newKey()
        await store.add(key, 'value', { ttl: minute, index: { names: [`of ${key}`], ttl: minute } })
        await store.remove(key)
        await store.add(key, 'value', { ttl: minute, index: { names: [`of ${key}`], ttl: 1 } })
        await pause(30)
        expect(await store.find(`of ${key}`)).toEqual([key])
      })
    })

    describe('text', () => {
      test('keeps big values', async () => {
        const [value, next] = ['a'.repeat(200_000), 'b'.repeat(200_000)]
        const key = await added(value)
        expect((await store.get(key)) === value).toBe(true)
        expect(await store.swap(key, { seen: value, value: next, ttl: minute })).toBe(true)
        expect((await store.get(key)) === next).toBe(true)
      })

      test('keeps every character of keys, values and names', async () => {
        const odd = [
          '',
          `it's "quoted" \\ $1 ? :a`,
          '%_*[a]{b}',
          'line\r\nline\t',
          'Ægir 🌊 \u2028',
        ]
        for (const text of odd) {
          const key = newKey() + text
          await store.add(key, text, {
            ttl: minute,
            index: { names: [`of ${key}`], ttl: minute },
          })
          expect(await store.get(key)).toBe(text)
          expect(await store.find(`of ${key}`)).toEqual([key])
          expect(await store.swap(key, { seen: text, value: `${text}!`, ttl: minute })).toBe(true)
          await store.remove(key, `${text}!`)
          expect(await store.get(key)).toBeUndefined()
        }
      })

      test('keeps keys apart that differ in a character', async () => {
        const key = newKey()
        const others = [key.toUpperCase(), `${key}|`, ` ${key}`, `${key} `, `index|${key}`]
        for (const other of [key, ...others]) await store.add(other, other, { ttl: minute })
        for (const other of [key, ...others]) expect(await store.get(other)).toBe(other)
      })
    })
  })
}

const fifty = Array.from({ length: 50 }, (_, index) => `caller ${index}`)

/** Those of fifty callers whose attempt was true. */
async function winnersOfFifty(attempt: (caller: string) => Promise<boolean>): Promise<string[]> {
  const outcomes = await Promise.all(fifty.map(attempt))
  return fifty.filter((_, index) => outcomes[index])
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
