import { html, nothing } from 'lit'
import { explainStep, explainValue } from '../explain.ts'
import { rawOf } from './raw.ts'
import { isNumbered, visible } from './view.ts'
import type { TemplateResult } from 'lit'
import type { Check, Message, NumberedStep, StepValue } from '../steps.ts'
import type { View } from './view.ts'

interface Actions {
  close: () => void
  go: (id: string) => void
}

/** Everything about the selected step. */
export function inspector(view: View, { close, go }: Actions): TemplateResult {
  const step = view.steps.find(({ id }) => id === view.selected)
  if (!step || !isNumbered(step)) return emptyInspector(view)
  return html`<button class="b close" type="button" @click=${close}>Close</button>
    <div class="head" aria-live="polite">
      <p class="hint">${positionOf(step, view)}</p>
      <h2 id="step-heading" tabindex="-1">${visible(step.label)}</h2>
      ${sub(step)}
      <p class="say">${explainStep(step)}</p>
    </div>
    ${checks(step.checks)}${values(step, view, go)}${raw(step)}`
}

const emptyInspector = ({ numbers }: View) =>
  html`<h2 id="step-heading">Inspector</h2>
    <p class="hint">
      ${
        numbers.size === 0
          ? 'Nothing has happened yet. Sign in, and every message appears here as it is sent.'
          : 'Press a step to see what was sent, what each value is for, and what was checked.'
      }
    </p>`

function positionOf({ id, tab }: NumberedStep, { numbers, tabs }: View): string {
  const other = tabs.get(tab)
  return `Step ${numbers.get(id)}${other === undefined ? '' : `, in tab ${other}`}`
}

function sub(step: NumberedStep) {
  const lines = [step.type === 'message' && addressOf(step), step.detail].filter(Boolean)
  return lines.map((line) => html`<p class="sub">${visible(String(line))}</p>`)
}

function addressOf({ method, url, status }: Message): string {
  return [status, method, url].filter((part) => part !== undefined).join(' ')
}

function checks(list: readonly Check[]) {
  if (list.length === 0) return nothing
  return html`<h3>Checked again by this page</h3>
    <ul class="checks">
      ${list.map(
        ({ text, holds }) =>
          html`<li class=${holds ? 'holds' : 'fails'}>
            <span class="mark" aria-hidden="true">${holds ? '✓' : '✗'}</span>
            <span>${holds ? nothing : html`<b>Failed:</b> `}${visible(text)}</span>
          </li>`,
      )}
    </ul>`
}

function values(step: NumberedStep, view: View, go: Actions['go']) {
  if (step.values.length === 0) return nothing
  return html`<h3>Every value</h3>
    <dl class="vals">
      ${step.values.map((value) => entry(value, alsoIn(value, { step, view }), { view, go }))}
    </dl>`
}

function entry(
  value: StepValue,
  others: readonly NumberedStep[],
  { view, go }: { view: View; go: Actions['go'] },
) {
  const why = explainValue(value)
  return html`<div class="kind-${value.kind ?? 'none'}">
    <dt>${visible(value.name)}</dt>
    ${trail(others, { view, go })}
    <dd>
      <span class="v">${visible(value.text)}</span>
      <span class="why">${why?.text}</span> <span class="rfc">${why?.rfc}</span>
    </dd>
  </div>`
}

function trail(others: readonly NumberedStep[], { view, go }: { view: View; go: Actions['go'] }) {
  if (others.length === 0) return nothing
  return html`<dd class="trail">
    also in
    ${others.map(({ id }) => {
      const number = view.numbers.get(id)
      return html`<button type="button" aria-label="Step ${number}" @click=${() => go(id)}>
        ${number}
      </button> `
    })}
  </dd>`
}

/** The other steps in which the same value is. */
function alsoIn(
  { fingerprint }: StepValue,
  { step, view }: { step: NumberedStep; view: View },
): NumberedStep[] {
  if (fingerprint === undefined) return []
  return view.steps
    .filter(isNumbered)
    .filter(
      ({ id, values }) => id !== step.id && values.some((one) => one.fingerprint === fingerprint),
    )
}

function raw(step: NumberedStep) {
  const text = rawOf(step)
  if (text === undefined) return nothing
  return html`<details>
    <summary>
      ${step.type === 'message' && step.status !== undefined ? 'Raw answer' : 'Raw request'}
    </summary>
    <pre tabindex="0" aria-label="As text">${visible(text)}</pre>
  </details>`
}
