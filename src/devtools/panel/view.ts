import type { NumberedStep, Step, ValueKind } from '../steps.ts'

/** What the parts of the panel show. */
export interface View {
  steps: readonly Step[]
  /** By `id`. */
  numbers: ReadonlyMap<string, number>
  /** Of the tabs that are not this one, from 2. */
  tabs: ReadonlyMap<string, number>
  /** The `id` of the step in the inspector. */
  selected: string | undefined
  /** The `id` of the step that the tab key reaches. */
  reachable: string | undefined
  follow: ValueKind | undefined
}

export const isNumbered = (step: Step): step is NumberedStep =>
  step.type === 'message' || step.type === 'note'

/** The kinds of values that a step carries, each once. */
export const kindsOf = ({ values }: NumberedStep): ValueKind[] => [
  ...new Set(values.flatMap(({ kind }) => kind ?? [])),
]

/** Other tabs by number, from 2, in the order in which they appear. Without `own`, the first tab is this one. */
export function numberTabs(steps: readonly Step[], own?: string): ReadonlyMap<string, number> {
  const seen = new Set(steps.map(({ tab }) => tab))
  const mine = own ?? [...seen][0]
  const others = [...seen].filter((tab) => tab !== mine)
  return new Map(others.map((tab, index) => [tab, index + 2]))
}

const invisible =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** Plain text with what could hide or turn around its neighbours spelled out. */
export const visible = (text: string): string =>
  text.replace(invisible, (found) => `⟨U+${hex(found)}⟩`)

const hex = (character: string) =>
  character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
