import { LitElement, html, nothing } from 'lit'
import { guard } from 'lit/directives/guard.js'
import { systemClock } from '../clock.ts'
import { unknownSession } from '../session/state.ts'
import { copyText } from './panel/copy.ts'
import { chips, laneHeads, log } from './panel/flow.ts'
import { inspector } from './panel/inspector.ts'
import { idOf, moveBetween } from './panel/move.ts'
import { goOn, sessionCard, stateOf } from './panel/session.ts'
import { styles } from './panel/styles/index.ts'
import { watch } from './panel/surroundings.ts'
import { tokensCard } from './panel/tokens.ts'
import { isNumbered, numberTabs } from './panel/view.ts'
import { numberSteps } from './steps.ts'
import type { PropertyValues, TemplateResult } from 'lit'
import type { AuthClient } from '../auth-client.ts'
import type { Clock } from '../clock.ts'
import type { Session } from '../session/state.ts'
import type { Journey } from './panel/session.ts'
import type { Size } from './panel/surroundings.ts'
import type { View } from './panel/view.ts'
import type { Recording } from './recording.ts'
import type { Step, ValueKind } from './steps.ts'

type Tab = 'flow' | 'session' | 'trouble'

const name = 'pkce-devtools'
const atom = { attribute: false }
const inside = { state: true }

/** The panel of the devtools: what happened, step by step, and what each value is for. */
export class PkceDevtools extends LitElement {
  static override styles = styles
  static override properties = {
    recording: atom,
    auth: atom,
    clock: atom,
    layout: {},
    tab: {},
    open: { type: Boolean },
    steps: inside,
    session: inside,
    journey: inside,
    selected: inside,
    reached: inside,
    follow: inside,
    shown: inside,
    sheet: inside,
    size: inside,
    theme: inside,
    copied: inside,
    hasTrouble: inside,
    now: inside,
  }

  declare recording: Recording | undefined
  /** Whose session and tokens are shown. */
  declare auth: Pick<AuthClient, 'getSession' | 'subscribe'> | undefined
  /** The clock that the client goes by. */
  declare clock: Clock
  /** `page` fills its place; `dock` is a panel at the bottom, opened by a button in the corner. */
  declare layout: 'page' | 'dock'
  /** This tab, whose steps are not marked; by default that of the first step. */
  declare tab: string | undefined
  /** Whether the dock is open. */
  declare open: boolean

  declare protected steps: readonly Step[]
  declare protected session: Session
  declare protected journey: Journey
  declare protected selected: string | undefined
  declare protected reached: string | undefined
  declare protected follow: ValueKind | undefined
  declare protected shown: Tab
  declare protected sheet: boolean
  declare protected size: Size
  declare protected theme: string | undefined
  /** What copying came to; text to copy by hand where the browser does not let the page. */
  declare protected copied: { text?: string } | undefined
  declare protected hasTrouble: boolean
  declare protected now: number

  #surroundings: ReturnType<typeof watch> | undefined
  #stops: (() => void)[] = []
  #cancelTick: (() => void) | undefined
  #cancelCopied: (() => void) | undefined
  #wasAtEnd = false
  /** The place of its button, among those of other docks. */
  nth: number | undefined

  constructor() {
    super()
    this.clock = systemClock()
    this.layout = 'page'
    this.open = false
    this.steps = []
    this.session = unknownSession
    this.journey = []
    this.shown = 'flow'
    this.sheet = false
    this.size = 'wide'
    this.hasTrouble = false
    this.now = this.clock.now()
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.nth = this.#freePlace()
    this.#surroundings = watch(this.ownerDocument, {
      size: (size) => (this.size = size),
      theme: (theme) => (this.theme = theme),
    })
    this.#listen()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#surroundings?.stop()
    this.#surroundings = undefined
    this.nth = undefined
    for (const stop of this.#stops.splice(0)) stop()
    this.#cancelTick?.()
    this.#cancelTick = undefined
    this.#cancelCopied?.()
  }

  /** The first place that no other dock has taken. */
  #freePlace(): number {
    const others = [...this.ownerDocument.querySelectorAll(name)] as PkceDevtools[]
    const taken = others.filter((other) => other !== this).map(({ nth }) => nth)
    return [...taken, undefined].findIndex((_, index) => !taken.includes(index))
  }

  #listen(): void {
    for (const stop of this.#stops.splice(0)) stop()
    const { recording, auth } = this
    const readSteps = () => void (this.steps = recording?.steps() ?? [])
    const readSession = () => {
      this.session = auth?.getSession() ?? unknownSession
      this.journey = goOn(this.journey, stateOf(this.session))
    }
    readSteps()
    readSession()
    if (recording) this.#stops.push(recording.subscribe(readSteps))
    if (auth) this.#stops.push(auth.subscribe(readSession))
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('auth')) this.journey = []
    if (this.isConnected && (changed.has('recording') || changed.has('auth'))) this.#listen()
    if (changed.has('steps')) this.#wasAtEnd = this.#isAtEnd()
  }

  protected override updated(changed: PropertyValues): void {
    this.#surroundings?.measure(this.renderRoot.querySelector('.body'))
    this.renderRoot
      .querySelector<HTMLElement>('.root')
      ?.style.setProperty('--nth', String(this.nth ?? 0))
    if (changed.has('steps') && this.#wasAtEnd)
      this.#lastRow()?.scrollIntoView({ block: 'nearest' })
    if (this.session.status === 'signed-in' && this.isConnected) this.#tick()
  }

  #tick(): void {
    this.#cancelTick ??= systemClock().setTimeout(() => {
      this.#cancelTick = undefined
      this.now = this.clock.now()
    }, 1000)
  }

  #lastRow = () => this.renderRoot.querySelector('.seq > :last-child')

  /** Whether the user sees the last step, so that the next one is to be shown as well. */
  #isAtEnd(): boolean {
    const row = this.#lastRow()?.getBoundingClientRect()
    const dock = this.renderRoot.querySelector('.dock .body')?.getBoundingClientRect()
    const bottom = dock?.bottom ?? this.ownerDocument.defaultView?.innerHeight ?? 0
    return row !== undefined && row.height > 0 && row.top < bottom && row.bottom > 0
  }

  #view(): View {
    const { steps, selected, follow, reached } = this
    const ids = steps.filter(isNumbered).map(({ id }) => id)
    const reachable =
      [reached, selected].find((id) => id !== undefined && ids.includes(id)) ?? ids[0]
    const numbers = numberSteps(steps)
    return { steps, numbers, tabs: numberTabs(steps, this.tab), selected, reachable, follow }
  }

  #select(id: string): void {
    this.selected = this.reached = id
    this.sheet = true
    this.shown = 'flow'
    if (this.size === 'narrow') void this.#focus('.close')
  }

  /** Follows a link to another step: where it was is gone, so its heading gets the focus. */
  #go(id: string): void {
    this.#select(id)
    void this.#focus('#step-heading').then(() =>
      this.#row(id)?.scrollIntoView({ block: 'nearest' }),
    )
  }

  #row = (id: string | undefined) =>
    [...this.renderRoot.querySelectorAll<HTMLElement>('[data-id]')].find(
      ({ dataset }) => dataset['id'] === id,
    )

  async #focus(selector: string): Promise<void> {
    await this.updateComplete
    this.renderRoot.querySelector<HTMLElement>(selector)?.focus()
  }

  async #closeSheet(): Promise<void> {
    this.sheet = false
    await this.updateComplete
    this.#row(this.selected)?.focus()
  }

  #setOpen(open: boolean): void {
    this.open = open
    void this.#focus(open ? '.dock .b' : '.corner')
  }

  #onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    if (this.sheet && this.size === 'narrow') void this.#closeSheet()
    else if (this.layout === 'dock' && this.open) this.#setOpen(false)
  }

  async #copy(text: string): Promise<void> {
    const worked = await copyText(text, this.ownerDocument.defaultView)
    this.copied = worked ? {} : { text }
    this.#cancelCopied?.()
    if (worked) {
      this.#cancelCopied = systemClock().setTimeout(() => (this.copied = undefined), 4000)
      return
    }
    await this.updateComplete
    this.renderRoot.querySelector('textarea')?.select()
  }

  protected override render(): TemplateResult {
    const { size, shown, theme, layout } = this
    return html`<div
      class="root"
      data-size=${size}
      data-view=${shown}
      data-theme=${theme ?? nothing}
      @keydown=${this.#onKey}
    >
      ${layout === 'dock' ? this.#dock() : html`${this.#body()}${this.#tabs()}`}
    </div>`
  }

  #dock(): TemplateResult {
    const state = stateOf(this.session)
    const dot = html`<span class="dot ${state}"></span>`
    if (!this.open)
      return html`<button
        class="corner"
        type="button"
        aria-label="pkce-client devtools, ${state}"
        @click=${() => this.#setOpen(true)}
      >
        ${dot}pkce-client
      </button>`
    return html`<section class="dock" aria-label="pkce-client devtools">
      <div class="title">
        ${dot}<strong>pkce-client</strong><span class="hint">${state}</span>
        <button class="b" type="button" @click=${() => this.#setOpen(false)}>Close</button>
      </div>
      ${this.#body()}${this.#tabs()}
    </section>`
  }

  #body(): TemplateResult {
    const view = this.#view()
    const { session, journey, steps, now, hasTrouble } = this
    const decode = (id: string) => this.#go(id)
    return html`<div class="body">
      <div class="band panel" ?hidden=${!this.auth}>
        <section class="card" aria-labelledby="session-heading">
          ${sessionCard(session, journey)}
        </section>
        <section class="card" aria-labelledby="tokens-heading">
          ${tokensCard({ steps, session, now, decode })}
        </section>
      </div>
      <div class="columns ${hasTrouble ? 'with-trouble' : ''}">
        <section class="card side trouble panel" aria-label="Make trouble" ?hidden=${!hasTrouble}>
          <slot name="trouble" @slotchange=${this.#onTrouble}></slot>
        </section>
        ${this.#flow(view)}
        <section
          class="card side insp ${this.sheet ? 'open' : ''}"
          role=${this.size === 'narrow' ? 'dialog' : nothing}
          aria-labelledby="step-heading"
        >
          ${inspector(view, {
            close: () => void this.#closeSheet(),
            go: (id) => this.#go(id),
          })}
        </section>
      </div>
    </div>`
  }

  #flow(view: View): TemplateResult {
    const { steps, selected, reachable, follow } = view
    const press = (kind: ValueKind) => void (this.follow = follow === kind ? undefined : kind)
    return html`<section class="card flow panel" aria-labelledby="flow-heading">
      <div class="bar2">
        <h2 id="flow-heading">What happened</h2>
        ${this.#tools()}${chips(follow, press)}
      </div>
      ${laneHeads()}
      <div
        role="log"
        aria-labelledby="flow-heading"
        @click=${this.#onClick}
        @keydown=${moveBetween}
        @focusin=${(event: Event) => (this.reached = idOf(event) ?? this.reached)}
      >
        ${guard([steps, selected, reachable, follow, this.tab], () => log(view))}
      </div>
    </section>`
  }

  #tools(): TemplateResult {
    const { recording, copied } = this
    const tool = (label: string, act: () => void) =>
      html`<button class="b" type="button" @click=${act}>${label}</button>`
    return html`<span class="tools">
        <span class="hint" role="status"
          >${copied && copied.text === undefined ? 'Copied' : ''}</span
        >
        ${tool('Copy as Mermaid', () => void this.#copy(recording?.toMermaid() ?? ''))}
        ${tool('Copy as JSON', () => void this.#copy(recording?.toJson() ?? ''))}
        ${tool('Clear', () => recording?.clear())}
      </span>
      ${
        copied?.text === undefined
          ? nothing
          : html`<div class="copied">
              <label for="by-hand"
                >The browser does not let this page copy. Copy it from here:</label
              >
              <textarea id="by-hand" readonly .value=${copied.text}></textarea>
              ${tool('Done', () => void (this.copied = undefined))}
            </div>`
      }`
  }

  #tabs(): TemplateResult {
    const tabs: [Tab, string, boolean][] = [
      ['flow', 'Flow', true],
      ['session', 'Session', Boolean(this.auth)],
      ['trouble', 'Trouble', this.hasTrouble],
    ]
    return html`<nav class="tabs" aria-label="Views">
      ${tabs.map(([tab, label, isThere]) =>
        isThere
          ? html`<button
              type="button"
              aria-pressed=${this.shown === tab}
              @click=${() => (this.shown = tab)}
            >
              ${label}
            </button>`
          : nothing,
      )}
    </nav>`
  }

  #onClick = (event: Event): void => {
    const id = idOf(event)
    if (id !== undefined) this.#select(id)
  }

  #onTrouble = (event: Event): void => {
    this.hasTrouble = (event.target as HTMLSlotElement).assignedElements().length > 0
  }
}

/** Defines `<pkce-devtools>`, unless the page has it already. */
export function defineElement(): void {
  if (!customElements.get(name)) customElements.define(name, PkceDevtools)
}

declare global {
  interface HTMLElementTagNameMap {
    'pkce-devtools': PkceDevtools
  }
}
