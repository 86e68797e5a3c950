import { html } from 'lit'
import type { TemplateResult } from 'lit'
import type { State } from './session.ts'

interface Dock {
  state: State
  open: boolean
  setOpen: (open: boolean) => void
  content: () => TemplateResult
}

/** A button in the corner, and the panel that it opens. */
export function dock({ state, open, setOpen, content }: Dock): TemplateResult {
  const dot = html`<span class="dot ${state}"></span>`
  const corner = html`<button
    class="corner"
    type="button"
    aria-label="pkce-client, ${state}: open the devtools"
    @click=${() => setOpen(true)}
  >
    ${dot}pkce-client
  </button>`
  const panel = () =>
    html`<div class="dock">
      <div class="title">
        ${dot}<strong>pkce-client</strong><span class="hint">${state}</span>
        <button class="b" type="button" @click=${() => setOpen(false)}>Close</button>
      </div>
      ${content()}
    </div>`
  return html`<section aria-label="pkce-client devtools">${open ? panel() : corner}</section>`
}
