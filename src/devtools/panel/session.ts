import { html, svg } from 'lit'
import type { TemplateResult } from 'lit'
import type { Session } from '../../session/state.ts'

export type State = 'unknown' | 'signed-out' | 'signed-in' | 'stale'

export const stateOf = (session: Session): State =>
  session.status === 'signed-in' && session.stale ? 'stale' : session.status

interface Box {
  state: State
  x: number
  y: number
  width: number
}

const boxes: readonly Box[] = [
  { state: 'unknown', x: 2, y: 46, width: 88 },
  { state: 'signed-out', x: 168, y: 46, width: 96 },
  { state: 'signed-in', x: 372, y: 16, width: 96 },
  { state: 'stale', x: 372, y: 76, width: 96 },
]

interface Arrow {
  from: State
  to: State
  path: string
  label: string
  x: number
  y: number
}

const arrows: readonly Arrow[] = [
  { from: 'unknown', to: 'signed-out', path: 'M90 62H166', label: 'start()', x: 128, y: 55 },
  {
    from: 'unknown',
    to: 'signed-in',
    path: 'M60 46C80 8 220 8 370 24',
    label: 'start()',
    x: 172,
    y: 12,
  },
  {
    from: 'signed-out',
    to: 'signed-in',
    path: 'M264 56C310 54 326 36 370 33',
    label: 'signIn()',
    x: 292,
    y: 40,
  },
  {
    from: 'signed-in',
    to: 'signed-out',
    path: 'M370 42C340 46 322 67 266 69',
    label: 'ends',
    x: 324,
    y: 76,
  },
  {
    from: 'stale',
    to: 'signed-out',
    path: 'M370 96C330 98 300 92 264 75',
    label: 'ends',
    x: 318,
    y: 108,
  },
  { from: 'signed-in', to: 'stale', path: 'M412 48V74', label: 'fails', x: 393, y: 66 },
  { from: 'stale', to: 'signed-in', path: 'M430 76V50', label: 'works', x: 453, y: 66 },
]

/** From one state to the next, as it happened: `unknown>signed-in`. */
type Transition = `${State}>${State}`

/** The states of a session since the panel is there, the latest last. */
export type Journey = readonly State[]

export const goOn = (journey: Journey, state: State): Journey =>
  journey.at(-1) === state ? journey : [...journey, state].slice(-50)

const transitionsOf = (journey: Journey): ReadonlySet<Transition> =>
  new Set(journey.slice(1).map((to, index): Transition => `${journey[index]!}>${to}`))

/** The states of a session, the current one filled, the arrows that were taken thick. */
export function sessionCard(session: Session, journey: Journey): TemplateResult {
  const state = stateOf(session)
  const taken = transitionsOf(journey)
  const reason = session.status === 'signed-out' ? session.reason : undefined
  return html`<h2 id="session-heading">Session</h2>
    <svg class="states" viewBox="0 0 480 116" role="img" aria-label=${describe(state, journey)}>
      <defs>${head('head')}${head('took')}</defs>
      ${boxes.map((box) => drawBox(box, box.state === state))}
      ${arrows.map((arrow) => drawArrow(arrow, taken.has(`${arrow.from}>${arrow.to}`)))}
    </svg>
    <p class="hint">
      ${
        reason === undefined
          ? 'Only signOut() or the server ends it. While renewing fails, the session is stale, and comes back by itself.'
          : `It ended: ${reason}.`
      }
    </p>`
}

function describe(state: State, journey: Journey): string {
  const before = journey.at(-2)
  return `The session is ${state}.${before ? ` It was ${before} before.` : ''}`
}

const head = (id: string) =>
  svg`<marker id=${id} class=${id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth=${id === 'took' ? 5 : 7} markerHeight=${id === 'took' ? 5 : 7} orient="auto"><path d="M0 0 8 4 0 8z"></path></marker>`

const drawBox = ({ state, x, y, width }: Box, isCurrent: boolean) =>
  svg`<g class=${isCurrent ? `lit ${state}` : state}><rect x=${x} y=${y} width=${width} height="32" rx="8"></rect><text x=${x + width / 2} y=${y + 20}>${state}</text></g>`

const drawArrow = ({ path, label, x, y }: Arrow, isTaken: boolean) =>
  svg`<path class=${isTaken ? 'line took' : 'line'} d=${path}></path><text class="s" x=${x} y=${y}>${label}</text>`
