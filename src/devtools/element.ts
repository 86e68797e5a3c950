import { LitElement, html, nothing } from 'lit'
import { guard } from 'lit/directives/guard.js'
import { systemClock } from '../clock.ts'
import { unknownSession } from '../session/state.ts'
import { stayAtEnd } from './panel/at-end.ts'
import { recordingTools } from './panel/copying.ts'
import { dock } from './panel/dock.ts'
import { chips, laneHeads, log } from './panel/flow.ts'
import { inspector } from './panel/inspector.ts'
import { idOf, moveBetween } from './panel/move.ts'
import { goOn, sessionCard, stateOf } from './panel/session.ts'
import { styles } from './panel/styles/index.ts'
import { watchSurroundings } from './panel/surroundings.ts'
import { tick } from './panel/ticking.ts'
import { tokensCard } from './panel/tokens.ts'
import { isNumbered, numberTabs } from './panel/view.ts'
import { numberSteps } from './steps.ts'
import type { PropertyValues, TemplateResult } from 'lit'
import type { AuthClient } from '../auth-client.ts'
import type { Clock } from '../clock.ts'
import type { Session } from '../session/state.ts'
import type { Journey } from './panel/session.ts'
import type { View } from './panel/view.ts'
import type { Recording } from './recording.ts'
import type { Step, ValueKind } from './steps.ts'

type Part = 'flow' | 'session' | 'trouble'

const name = 'pkce-devtools'
const property = { attribute: false }
const state = { state: true }

/** The panel of the devtools: what happened, step by step, and what each value is for. */
export class PkceDevtools extends LitElement {
  static override styles = styles
  static override properties = {
    recording: property,
    auth: property,
    clock: property,
    layout: {},
    tab: {},
    open: { type: Boolean },
    steps: state,
    session: state,
    journey: state,
    selected: state,
    reached: state,
    follow: state,
    shown: state,
    sheet: state,
    hasTrouble: state,
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

  declare private steps: readonly Step[]
  declare private session: Session
  declare private journey: Journey
  declare private selected: string | undefined
  /** The step that had the focus last. */
  declare private reached: string | undefined
  declare private follow: ValueKind | undefined
  /** On a phone one part is seen at a time, ... */
  declare private shown: Part
  /** ... and the inspector comes over it. */
  declare private sheet: boolean
  declare private hasTrouble: boolean

  /** The place of the corner button, among those of other docks. */
  place: number | undefined
  readonly #surroundings = watchSurroundings(this)
  readonly #tools = recordingTools(this)
  #stops: (() => void)[] = []

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
    this.hasTrouble = false
    tick(this, () => this.session.status === 'signed-in' && this.isConnected && this.#isShown)
    stayAtEnd(this, { steps: () => this.steps, onPart: () => (this.shown = 'flow') })
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.place = freePlace(this)
    this.#listen()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.place = undefined
    for (const stop of this.#stops.splice(0)) stop()
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
  }

  protected override updated(): void {
    const root = this.renderRoot.querySelector<HTMLElement>('.root')
    root?.style.setProperty('--place', String(this.place ?? 0))
  }

  #view(): View {
    const { steps, selected, follow, reached, tab } = this
    const numbers = numberSteps(steps)
    const reachable = [reached, selected, steps.find(isNumbered)?.id].find(
      (id) => id !== undefined && numbers.has(id),
    )
    return { steps, numbers, tabs: numberTabs(steps, tab), selected, reachable, follow }
  }

  get #isShown(): boolean {
    return this.layout === 'page' || this.open
  }

  get #isNarrow(): boolean {
    return this.#surroundings.size() === 'narrow'
  }

  #select(id: string): void {
    this.selected = this.reached = id
    this.sheet = true
    this.shown = 'flow'
    if (this.#isNarrow) void this.#focus('.close')
  }

  /** Follows a link to another step. The link is gone then, so the heading gets the focus. */
  async #go(id: string): Promise<void> {
    this.#select(id)
    await this.#focus('#step-heading')
    this.#row(id)?.scrollIntoView({ block: 'nearest' })
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

  #setOpen = (open: boolean): void => {
    this.open = open
    void this.#focus(open ? '.title .b' : '.corner')
  }

  #onKey = (event: KeyboardEvent): void => {
    const isSheet = this.sheet && this.#isNarrow && this.#isShown
    const isDock = this.layout === 'dock' && this.open
    if (event.key !== 'Escape' || !(isSheet || isDock)) return
    // The app may close something of its own by this key.
    event.stopPropagation()
    if (isSheet) void this.#closeSheet()
    else this.#setOpen(false)
  }

  #onClick = (event: Event): void => {
    const id = idOf(event)
    if (id !== undefined) this.#select(id)
  }

  #onTrouble = (event: Event): void => {
    this.hasTrouble = (event.target as HTMLSlotElement).assignedElements().length > 0
  }

  protected override render(): TemplateResult {
    const content = () => html`${this.#body()}${this.#parts()}`
    const { open, session } = this
    return html`<div
      class="root"
      data-size=${this.#surroundings.size()}
      data-shown=${this.shown}
      data-theme=${this.#surroundings.theme() ?? nothing}
      @keydown=${this.#onKey}
    >
      ${
        this.layout === 'dock'
          ? dock({ state: stateOf(session), open, setOpen: this.#setOpen, content })
          : content()
      }
    </div>`
  }

  #body(): TemplateResult {
    const view = this.#view()
    const { hasTrouble, sheet } = this
    const close = () => void this.#closeSheet()
    const go = (id: string) => void this.#go(id)
    return html`<div class="body">
      ${this.#band(go)}
      <div class="columns ${hasTrouble ? 'with-trouble' : ''}">
        <section class="card side trouble panel" aria-label="Trouble" ?hidden=${!hasTrouble}>
          <slot name="trouble" @slotchange=${this.#onTrouble}></slot>
        </section>
        ${this.#flow(view)}
        <section
          class="card side insp ${sheet ? 'open' : ''}"
          role=${this.#isNarrow ? 'dialog' : nothing}
          aria-labelledby="step-heading"
        >
          ${inspector(view, { close, go })}
        </section>
      </div>
    </div>`
  }

  #band(decode: (id: string) => void): TemplateResult {
    const { auth, session, journey, steps, clock } = this
    return html`<div class="band panel" ?hidden=${!auth}>
      <section class="card" aria-labelledby="session-heading">
        ${sessionCard(session, journey)}
      </section>
      <section class="card" aria-labelledby="tokens-heading">
        ${tokensCard({ steps, session, now: clock.now(), decode })}
      </section>
    </div>`
  }

  #flow(view: View): TemplateResult {
    const { steps, selected, reachable, follow } = view
    const press = (kind: ValueKind) => void (this.follow = follow === kind ? undefined : kind)
    return html`<section class="card flow panel" aria-labelledby="flow-heading">
      <div class="bar2">
        <h2 id="flow-heading">What happened</h2>
        ${this.#tools(this.recording)}${chips(follow, press)}
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

  #parts(): TemplateResult {
    const parts: [Part, string, boolean][] = [
      ['flow', 'Flow', true],
      ['session', 'Session', Boolean(this.auth)],
      ['trouble', 'Trouble', this.hasTrouble],
    ]
    return html`<nav class="tabs" aria-label="Views">
      ${parts
        .filter(([, , isThere]) => isThere)
        .map(
          ([part, label]) =>
            html`<button
              type="button"
              aria-pressed=${this.shown === part}
              @click=${() => (this.shown = part)}
            >
              ${label}
            </button>`,
        )}
    </nav>`
  }
}

/** The first place that no other dock of the page has taken. */
function freePlace(panel: PkceDevtools): number {
  const others = [...panel.ownerDocument.querySelectorAll(name)].filter((one) => one !== panel)
  const taken = others.map(({ place }) => place)
  return [...taken, undefined].findIndex((_, index) => !taken.includes(index))
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
