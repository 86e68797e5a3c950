import { expect, test } from 'vitest'
import { createWorld } from '../support/world.ts'

test('a person signs in and comes back to where she was', async () => {
  const world = createWorld()
  const { result } = await world.comeBack(world.tab, { params: { returnTo: '/here?x=1' } })
  expect(result).toMatchObject({
    kind: 'signed-in',
    returnTo: 'https://app.example.com/here?x=1',
    session: { status: 'signed-in', claims: { sub: 'user-ada' } },
  })
})
