import { html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { readLead } from '../explain.ts'
import { lanes, valueKinds } from '../steps.ts'
import { kindsOf, visible } from './view.ts'
import type { TemplateResult } from 'lit'
import type { Message, Note, NumberedStep, Step, ValueKind } from '../steps.ts'
import type { View } from './view.ts'

/** The chips that follow a value through the steps. */
export function chips(
  follow: ValueKind | undefined,
  press: (kind: ValueKind) => void,
): TemplateResult {
  return html`<div class="chips" role="group" aria-label="Follow a value">
    <span class="hint" aria-hidden="true">Follow</span>
    ${Object.entries(valueKinds).map(([key, name]) => {
      const kind = key as ValueKind
      return html`<button
        class="chip kind-${kind}"
        type="button"
        aria-pressed=${follow === kind}
        @click=${() => press(kind)}
      >
        ${name}
      </button>`
    })}
  </div>`
}

/** The heads of the five lanes. What they say, each step says again. */
export const laneHeads = (): TemplateResult =>
  html`<div class="lanes" aria-hidden="true">
    <span>You<small>browser</small></span
    ><span>Your app</span><span class="us">pkce-client</span> <span>Authorization<br />server</span
    ><span>API</span>
  </div>`

/** The steps, each a button. */
export function log(view: View): TemplateResult {
  return html`<ol class="seq ${view.follow === undefined ? '' : `dim kind-${view.follow}`}">
    ${repeat(
      view.steps,
      ({ id }) => id,
      (step) => html`<li class="step">${row(step, view)}</li>`,
    )}
  </ol>`
}

function row(step: Step, view: View): TemplateResult {
  switch (step.type) {
    case 'cut':
      return html`<p class="cut">${visible(step.label)}</p>`
    case 'verdict':
      return html`<p class="verdict ${step.holds ? '' : 'bad'}">
        ${step.holds ? nothing : html`<b>Not as expected:</b> `}${visible(step.label)}
      </p>`
    case 'note':
      return button(step, { view, look: 'note', content: note(step, view) })
    case 'message':
      return button(step, { view, look: lookOf(step), content: arrow(step, view) })
  }
}

interface Look {
  view: View
  look: string
  content: TemplateResult
}

function button(step: NumberedStep, { view, look, content }: Look): TemplateResult {
  const carries = view.follow !== undefined && kindsOf(step).includes(view.follow)
  const isSelected = step.id === view.selected
  return html`<button
    class="${look} ${carries ? 'has' : ''} ${step.refused ? 'fail' : ''}"
    type="button"
    data-id=${step.id}
    tabindex=${step.id === view.reachable ? 0 : -1}
    aria-current=${isSelected ? 'step' : nothing}
  >
    <span class="unseen">${readLead(step, view.numbers.get(step.id))}</span>${content}
  </button>`
}

/** Where the arrow runs, from the left lane to the right one, and how it is drawn. */
function lookOf({ from, to, answers, navigates, milliseconds }: Message): string {
  const [left, right] = [lanes.indexOf(from), lanes.indexOf(to)].sort()
  const direction = lanes.indexOf(to) < lanes.indexOf(from) ? 'leftward' : ''
  const line = navigates ? 'nav' : answers === undefined ? '' : 'answer'
  return `row left-${left} right-${right} ${direction} ${line} ${milliseconds === undefined ? '' : 'timed'}`
}

const arrow = (step: Message, view: View): TemplateResult =>
  html`${number(step, view)}<span class="lab">${words(step)}</span>${end(step, view)}${
      step.milliseconds === undefined
        ? nothing
        : html`<span class="ms">${Math.round(step.milliseconds)} ms</span>`
    }<span class="arrow"></span>`

const note = (step: Note, view: View): TemplateResult =>
  html`<span class="box lane-${lanes.indexOf(step.lane)}"
    >${number(step, view)}${words(step)}${end(step, view)}</span
  >`

const number = ({ id }: NumberedStep, { numbers }: View) =>
  html`<span class="n" aria-hidden="true">${numbers.get(id)}</span>`

const words = (step: NumberedStep) =>
  html`<span class="words">${visible(step.label)}</span>${dots(step)}`

function end({ tab }: NumberedStep, { tabs }: View) {
  const other = tabs.get(tab)
  return other === undefined ? nothing : html`<span class="tab">tab ${other}</span>`
}

function dots(step: NumberedStep): TemplateResult | typeof nothing {
  const kinds = kindsOf(step)
  if (kinds.length === 0) return nothing
  return html`<span class="dots">${kinds.map((kind) => html`<i class="kind-${kind}"></i>`)}</span>`
}
