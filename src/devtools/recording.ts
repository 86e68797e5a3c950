import type { Lane, Step } from './steps.ts'

/** What an app adds of its own: what it calls, and what it learns. */
export interface AppMessage {
  /** Where the arrow begins. */
  from: Lane
  /** Where it ends. */
  to: Lane
  /** What stands over it; plain text. */
  label: string
  /** A refusal or a failure: red. */
  refused?: boolean
}

/** What was recorded in this tab and in others, in order. Nothing in it opens anything. */
export interface Recording {
  /** The steps; another array when anything has changed. At most 500. */
  steps(): readonly Step[]
  /** Calls the listener after each change. Returns a function that stops it. */
  subscribe(listener: () => void): () => void
  /** Adds an arrow of the app's own. */
  add(message: AppMessage): void
  /** Begins a new part, under this heading. */
  cut(label: string): void
  /** Ends a part with what came of it. */
  verdict(label: string, holds: boolean): void
  /** Forgets all steps, in all tabs. */
  clear(): void
  /** The steps as JSON, safe to paste into a bug report. */
  toJson(): string
  /** The steps as a Mermaid sequence diagram, which GitHub draws in an issue. */
  toMermaid(): string
}
