import type { CapabilitySource } from '../compose/hooks.ts'
import type { Capability } from './capability.ts'

/** Makes a capability of the hooks it takes the place of. */
export const defineCapability = (source: CapabilitySource): Capability =>
  source as unknown as Capability
