import type { FaultArguments, FaultName } from '../../src/testing/index.ts'
import type { World } from './world.ts'

/** A fault of the reference server, with what it takes. */
export type Fault = { [Name in FaultName]: [Name, ...FaultArguments<Name>] }[FaultName]
export type FaultRow = [what: string, fault: Fault]

export const atToken = { path: '/token' }

/** The token endpoint answers 400 with this error. */
export const refused = (error: string): Fault => [
  'respond',
  { ...atToken, status: 400, body: { error } },
]

/** The token endpoint answers with this status and no body. */
export const status = (code: number): Fault => ['respond', { ...atToken, status: code }]

/** From now on the server has this fault; returns what mends it. */
export function fail({ server }: Pick<World, 'server'>, [name, ...how]: Fault) {
  return server.fault(name, ...(how as FaultArguments<FaultName>))
}
