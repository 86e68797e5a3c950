import { html, nothing } from 'lit'
import { systemClock } from '../../clock.ts'
import type { ReactiveControllerHost, TemplateResult } from 'lit'
import type { Recording } from '../recording.ts'

type Host = ReactiveControllerHost & HTMLElement

/** The tools of the recording: copying it, and beginning anew. */
export function recordingTools(host: Host) {
  /** What copying came to: the text, where the browser does not let the page. */
  let copied: { text?: string } | undefined
  let cancel = () => {}

  function show(next: typeof copied): void {
    cancel()
    copied = next
    host.requestUpdate()
  }

  async function copy(text: string): Promise<void> {
    try {
      await host.ownerDocument.defaultView!.navigator.clipboard.writeText(text)
      show({})
      cancel = systemClock().setTimeout(() => show(undefined), 4000)
    } catch {
      show({ text })
      await host.updateComplete
      host.shadowRoot?.querySelector('textarea')?.select()
    }
  }

  host.addController({ hostDisconnected: () => cancel() })

  return (recording: Recording | undefined): TemplateResult =>
    html`<span class="tools">
        <span class="hint" role="status"
          >${copied && copied.text === undefined ? 'Copied' : ''}</span
        >
        ${button('Copy as Mermaid', () => void copy(recording?.toMermaid() ?? ''))}
        ${button('Copy as JSON', () => void copy(recording?.toJson() ?? ''))}
        ${button('Clear', () => recording?.clear())}
      </span>
      ${copied?.text === undefined ? nothing : byHand(copied.text, () => show(undefined))}`
}

const button = (label: string, act: () => void) =>
  html`<button class="b" type="button" @click=${act}>${label}</button>`

const byHand = (text: string, done: () => void) =>
  html`<div class="copied">
    <label for="by-hand">This page may not use the clipboard. Copy the text from here:</label>
    <textarea id="by-hand" readonly .value=${text}></textarea>
    ${button('Done', done)}
  </div>`
