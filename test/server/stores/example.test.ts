import { inject, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../examples/server/stores.js'

process.env.REDIS_URL = inject('redis')
process.env.DATABASE_URL = inject('postgres')

test.each(['redis', 'postgres'])(
  'two machines of the server example share sessions and rate limits in %s',
  async (name) => {
    const one = await openStore(name)
    const other = await openStore(name)
    onTestFinished(async () => {
      await Promise.all([one.close(), other.close()])
    })
    expect(await one.sessions.add('example', 'sealed', { ttl: 60_000 })).toBe(true)
    expect(await other.sessions.get('example')).toBe('sealed')

    const limits = { keyPrefix: 'hour', points: 2, duration: 60 }
    await one.limiter(limits).consume('192.0.2.1')
    await other.limiter(limits).consume('192.0.2.1')
    await expect(one.limiter(limits).consume('192.0.2.1')).rejects.toMatchObject({
      remainingPoints: 0,
    })
  },
)

test('a store that is not there is named', async () => {
  process.env.REDIS_URL = 'redis://127.0.0.1:9'
  await expect(openStore('redis')).rejects.toThrow('There is no Redis at redis://127.0.0.1:9')
})
