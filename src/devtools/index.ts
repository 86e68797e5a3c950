export { createDevtools } from './devtools.ts'
export type { Devtools, ShowOptions } from './devtools.ts'
export type { ObservedOptions } from './observed.ts'
export type { AppMessage, Recording } from './recording.ts'
export type {
  Check,
  Cut,
  Lane,
  Message,
  Note,
  Purpose,
  Step,
  StepValue,
  ValueKind,
  ValuePlace,
  Verdict,
} from './steps.ts'
