import { describe, expect, it } from 'vitest'
import { createAuthServer } from '../../src/testing/index.ts'

// Test runners do not look at types, and a test whose misbehaviour never happens passes.
describe('a mistake in a test is told at once', () => {
  it('a fault nobody knows', () => {
    for (const name of ['network-eror', 'constructor', ''] as never[])
      expect(() => createAuthServer().fault(name)).toThrow(`There is no fault ${String(name)}`)
  })

  it('an option nobody knows', () => {
    const options = { accesTokenLifetime: 60 } as object
    expect(() => createAuthServer(options)).toThrow('no option accesTokenLifetime')
  })

  it.each(['token', 'https://login.example.com/token', ''])('%j for a path', (path) => {
    const server = createAuthServer()
    const complaint = `must begin with a slash, as /token does; it is ${JSON.stringify(path)}`
    expect(() => server.fault('network-error', { path })).toThrow(complaint)
    expect(() => server.hold(path)).toThrow(complaint)
    expect(() => server.requestsTo(path)).toThrow(complaint)
  })

  it('a user nobody knows', async () => {
    expect(() => createAuthServer().revokeSessions('Ada')).toThrow('There is no user Ada')
  })
})
