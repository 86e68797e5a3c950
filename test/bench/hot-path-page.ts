import { measureHotPath } from './hot-path-calls.ts'

if (!crossOriginIsolated) throw new Error('The page is not isolated: its clock is too coarse.')
Object.assign(globalThis, { measureHotPath })
