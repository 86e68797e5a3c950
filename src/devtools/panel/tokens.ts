import { html, nothing, svg } from 'lit'
import { isNumbered } from './view.ts'
import type { TemplateResult } from 'lit'
import type { Session } from '../../session/state.ts'
import type { Message, Step, ValueKind } from '../steps.ts'

interface Shown {
  steps: readonly Step[]
  session: Session
  /** By the clock of the app. */
  now: number
  decode: (id: string) => void
}

/** Milliseconds before its expiry at which the next call renews a token, or a quarter of its life if that is less. */
const aheadAtMost = 60_000

/** What is left of each token. */
export function tokensCard(shown: Shown): TemplateResult {
  return html`<h2 id="tokens-heading">Tokens</h2>
    <dl class="life">${accessToken(shown)}${refreshToken(shown)}${idToken(shown)}</dl>
    <p class="hint">
      The mark on the first bar is where the next call renews beside itself. No timer runs: an idle
      page sends nothing.
    </p>`
}

function accessToken({ steps, session, now }: Shown) {
  const expiresAt = session.status === 'signed-in' ? session.expiresAt : undefined
  const left = Math.max(0, (expiresAt ?? 0) - now)
  const life = lifeOf(steps, left)
  const share = expiresAt === undefined ? Number(session.status === 'signed-in') : left / life
  const mark = life > left ? Math.min(aheadAtMost / life, 0.25) : 0
  return token('access', { name: 'Access token', share, mark, text: textOf(session, left, life) })
}

/** Milliseconds that the token was good for when it came; what is left, where nobody knows. */
function lifeOf(steps: readonly Step[], left: number): number {
  const life = Number(valueOf(latest(steps, 'expires_in'), 'expires_in')) * 1000
  return life > left ? life : left
}

function textOf(session: Session, left: number, life: number): string {
  if (session.status !== 'signed-in') return 'none'
  if (session.expiresAt === undefined) return 'does not say when it expires'
  if (left === 0) return 'expired: the next call renews'
  return life > left ? `${clockTime(left)} of ${clockTime(life)}` : `${clockTime(left)} left`
}

function refreshToken({ steps, session }: Shown) {
  const brought = session.status === 'signed-in' ? latest(steps, 'refresh_token') : undefined
  const uses = since(steps, latestSignIn(steps)).filter(isRenewal).length
  const text = brought ? `used ${uses} ${uses === 1 ? 'time' : 'times'}` : 'none seen'
  return token('refresh', { name: 'Refresh token', share: Number(Boolean(brought)), text })
}

function idToken({ steps, session, decode }: Shown) {
  const brought = session.status === 'signed-in' ? latest(steps, 'id_token') : undefined
  const checked = last(steps.filter(isNumbered), ({ values }) =>
    values.some(({ name, place }) => name === 'sub' && place === 'claim'),
  )
  const target = checked ?? brought
  const button =
    brought && target
      ? html`<button class="chip kind-id" type="button" @click=${() => decode(target.id)}>
          decode
        </button> `
      : nothing
  const text = html`${button}${brought ? (checked ? 'checked once' : '') : 'none seen'}`
  return token('id', { name: 'ID token', share: Number(Boolean(brought)), text })
}

interface Bar {
  name: string
  /** Of its life that is left, from 0 to 1. */
  share: number
  /** Of its life, from which on it is renewed. */
  mark?: number
  text: string | TemplateResult
}

function token(kind: ValueKind, { name, share, mark, text }: Bar) {
  const width = Math.round(Math.min(1, Math.max(0, share || 0)) * 1000) / 10
  const place = mark !== undefined && mark > 0 ? Math.round(mark * 1000) / 10 : undefined
  return html`<dt>${name}</dt>
    <dd class="bar kind-${kind}" aria-hidden="true">
      <svg viewBox="0 0 100 8" preserveAspectRatio="none">
        <rect class="full" width=${width} height="8"></rect>
        ${place === undefined ? nothing : svg`<rect class="mark" x=${place} width="0.7" height="8"></rect>`}
      </svg>
    </dd>
    <dd class="left">${text}</dd>`
}

const last = <Item>(list: readonly Item[], fits: (item: Item) => boolean): Item | undefined =>
  [...list].reverse().find(fits)

const isMessage = (step: Step): step is Message => step.type === 'message'

const latest = (steps: readonly Step[], name: string): Message | undefined =>
  last(
    steps.filter(isMessage),
    (step) => step.answers !== undefined && valueOf(step, name) !== undefined,
  )

const valueOf = (step: Message | undefined, name: string): string | undefined =>
  step?.values.find((value) => value.name === name)?.text

const latestSignIn = (steps: readonly Step[]) =>
  last(
    steps.filter(isMessage),
    ({ purpose, answers }) => purpose === 'token' && answers !== undefined,
  )

const since = (steps: readonly Step[], step: Step | undefined) =>
  step ? steps.slice(steps.indexOf(step)) : steps

const isRenewal = (step: Step) =>
  isMessage(step) && step.purpose === 'refresh' && step.to === 'server'

function clockTime(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, index) => String(part).padStart(index === 0 ? 1 : 2, '0')).join(':')
}
