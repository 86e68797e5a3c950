export { loopback } from './loopback.ts'
export type { LoopbackOptions } from './loopback.ts'
