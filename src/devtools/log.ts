import { fingerprint } from './shorten.ts'
import { lanes } from './steps.ts'
import type { RecordingPage } from './page.ts'
import type { Lane, Message, Note, Step } from './steps.ts'

/** What is remembered beside the steps, also after they were cleared. */
export interface Known {
  tab: string
  /** Purposes of the server's endpoints, by their addresses. */
  endpoints: Record<string, string>
}

/** What a step is before it is in the log. */
export type NewStep = Step extends infer One
  ? One extends Step
    ? Omit<One, 'id' | 'tab' | 'at'>
    : never
  : never

interface LogOptions {
  page: RecordingPage
  now: () => number
  /** A new name that no other tab gives. */
  newId: () => string
}

export type Log = ReturnType<typeof createLog>

/** How many steps are kept. */
export const mostSteps = 500

/** The steps of this tab and of others, kept for the page that comes next in this tab. */
export function createLog({ page, now, newId }: LogOptions) {
  const prefix = newId()
  let key = ''
  let steps: readonly Step[] = []
  let known: Known = { tab: newId(), endpoints: {} }
  let count = 0
  let isSaving = false
  let channel: ReturnType<RecordingPage['open']> = { post: () => {} }
  const listeners = new Set<() => void>()

  /** Once for all steps of one moment, and before the page can be left. */
  function save(): void {
    if (isSaving || !key) return
    isSaving = true
    page.soon(() => {
      isSaving = false
      page.write(key, JSON.stringify({ known, steps }))
    })
  }

  function replace(next: readonly Step[]): void {
    steps = next.slice(-mostSteps)
    save()
    for (const listener of [...listeners]) listener()
  }

  function put(step: Step): void {
    catchUp()
    const at = steps.findIndex(({ id }) => id === step.id)
    replace(at < 0 ? [...steps, step] : steps.map((one, index) => (index === at ? step : one)))
  }

  /** Any script of the origin can send anything; what is no step would break what shows it. */
  function hear(message: unknown): void {
    if (message === 'clear') replace([])
    else if (isStep(message) && !isSameCallback(message)) put(message)
  }

  /** A page may come back after others of its tab have recorded: it goes on with what they have kept. */
  function catchUp(): void {
    const last = `${key}|page`
    if (!key || page.read(last) === prefix || !page.write(last, prefix)) return
    const kept = parse(page.read(key))
    if (!kept) return
    known = kept.known
    steps = kept.steps
  }

  /** The window that a user signs in in, and the page that waits for it, both see the answer. */
  function isSameCallback(step: Step): boolean {
    if (step.type !== 'message' || step.purpose !== 'callback') return false
    const state = stateOf(step)
    return steps.some(
      (other) =>
        other.id !== step.id &&
        other.type === 'message' &&
        other.purpose === 'callback' &&
        stateOf(other) === state &&
        Math.abs(other.at - step.at) < 2000,
    )
  }

  return {
    /** Goes on with what an earlier page of this tab has kept under the name. */
    open(name: string): void {
      if (key) return
      key = `pkce-client-devtools|${name}`
      const kept = parse(page.read(key))
      if (kept) {
        known = kept.known
        steps = [...kept.steps, ...steps].slice(-mostSteps)
      }
      page.write(`${key}|page`, prefix)
      channel = page.open(key, {
        hear,
        comeBack() {
          catchUp()
          replace(steps)
        },
      })
    },

    known: () => known,
    steps: () => steps,

    learn(endpoints: Record<string, string>): void {
      catchUp()
      known = { ...known, endpoints: { ...known.endpoints, ...endpoints } }
      save()
    },

    add<New extends NewStep>(step: New): New & { id: string; tab: string; at: number } {
      const whole = { ...step, id: `${prefix}-${(count += 1)}`, tab: known.tab, at: now() }
      put(whole)
      channel.post(whole)
      return whole
    },

    /** Changes a step, if it is still there. */
    change(id: string, changes: Partial<Message> | Partial<Note>): void {
      const step = steps.find((one) => one.id === id)
      if (!step) return
      const changed = { ...step, ...changes } as Step
      put(changed)
      channel.post(changed)
    },

    clear(): void {
      replace([])
      channel.post('clear')
    },

    subscribe(listener: () => void): () => void {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

export function stateOf({ values }: Pick<Message, 'values'>): string | undefined {
  return values.find(({ name }) => name === 'state')?.fingerprint
}

/** The steps that carry a value with this name and content. */
export function carriers(steps: readonly Step[], name: string, value: string): Message[] {
  const wanted = fingerprint(value)
  return steps.filter(
    (step): step is Message =>
      step.type === 'message' &&
      step.values.some((one) => one.name === name && one.fingerprint === wanted),
  )
}

function parse(text: string | undefined): { known: Known; steps: Step[] } | undefined {
  try {
    const kept = JSON.parse(text ?? 'null') as { known?: Partial<Known>; steps?: unknown } | null
    if (typeof kept?.known?.tab !== 'string' || !Array.isArray(kept.steps)) return undefined
    const { tab, endpoints = {} } = kept.known
    return { known: { tab, endpoints: { ...endpoints } }, steps: kept.steps.filter(isStep) }
  } catch {
    return undefined
  }
}

function isStep(value: unknown): value is Step {
  const step = { ...(value as object | null) } as Record<string, unknown>
  const texts = [step['id'], step['tab'], step['label']]
  if (!texts.every((one) => typeof one === 'string') || typeof step['at'] !== 'number') return false
  if (step['type'] === 'cut' || step['type'] === 'verdict') return true
  const ends = { message: [step['from'], step['to']], note: [step['lane']] }[String(step['type'])]
  return (
    (ends?.every((end) => lanes.includes(end as Lane)) ?? false) &&
    isListOf(step['values'], ['name', 'text']) &&
    isListOf(step['checks'], ['text'])
  )
}

const isListOf = (value: unknown, texts: string[]): boolean =>
  Array.isArray(value) &&
  value.every((one) => texts.every((name) => typeof { ...(one as object) }[name] === 'string'))
