export type { AddOptions, SessionIndex, SessionStore, Swap } from './store/session-store.ts'
