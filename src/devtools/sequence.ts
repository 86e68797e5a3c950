import { lanes, numberSteps } from './steps.ts'
import type { Lane, Message, Note, NumberedStep, Step, ValueKind } from './steps.ts'

const laneNames: Readonly<Record<Lane, string>> = {
  user: 'You',
  app: 'Your app',
  client: 'pkce-client',
  server: 'Authorization server',
  api: 'API',
}

/** The numbers of the tabs of a recording, from 1, in order of appearance; this tab, if it is named, comes first. */
function numberTabs(steps: readonly Step[], own?: string): ReadonlyMap<string, number> {
  const seen = steps.filter(isNumbered).map(({ tab }) => tab)
  const tabs = new Set(own !== undefined && seen.includes(own) ? [own, ...seen] : seen)
  return new Map([...tabs].map((tab, index) => [tab, index + 1]))
}

/**
 * The steps as the text of a Mermaid sequence diagram.
 * @param steps of a recording, in order
 * @param own the tab that is called the first
 */
export function toMermaid(steps: readonly Step[], own?: string): string {
  const used = usedLanes(steps)
  const numbers = numberSteps(steps)
  const tabs = numberTabs(steps, own)
  const everywhere = [...new Set([used[0], used.at(-1)])].join(',')
  const line = (step: Step): string => {
    if (!isNumbered(step)) return `Note over ${everywhere}: ${escapeMermaid(step.label)}`
    const mark = tabs.size > 1 ? `, tab ${tabs.get(step.tab)!}` : ''
    const text = `${numbers.get(step.id)!}${mark} ${escapeMermaid(step.label)}`
    if (step.type === 'note') return `Note over ${step.lane}: ${text}`
    return `${step.from}${mermaidArrow(step)}${step.to}: ${text}`
  }
  const participants = used.map((lane) => `participant ${lane} as ${laneNames[lane]}`)
  return ['sequenceDiagram', ...participants, ...steps.map(line)].join('\n  ') + '\n'
}

function mermaidArrow({ answers, refused }: Message): string {
  return `${answers === undefined ? '-' : '--'}${refused ? 'x' : '>>'}`
}

/** What is not known to be harmless becomes an entity. `end` ends a block of Mermaid. */
function escapeMermaid(label: string): string {
  return cut(label, 100)
    .replace(/[^\p{L}\p{N} /.,_()=?!'“”…✓-]|[ﬂ¶]/gu, (one) => `#${one.codePointAt(0)!};`)
    .replace(/\bend\b/gi, (word) => `#${word.codePointAt(0)!};${word.slice(1)}`)
}

export interface SvgOptions {
  /** What the picture shows, in a few words. */
  title: string
  /** The story it tells, for people who do not see it. */
  description: string
  /** With `lanes`, each tab is one lane, and what happens within it is a box. Default: `marks`. */
  tabs?: 'marks' | 'lanes'
  /** Draws the steps one after the other, unless the reader prefers reduced motion. */
  animate?: boolean
}

/**
 * The steps as the text of an SVG file that fills the width it is given, from 300 pixels.
 * @param steps of a recording, in order
 * @param options what the picture is called, and how it is drawn
 */
export function toSvg(steps: readonly Step[], options: SvgOptions): string {
  const scene = sceneOf(steps, options)
  let bottom = headHeight + 4
  const rows = steps.map((step, index) => {
    const { text, height } = drawStep(step, { ...scene, top: bottom })
    bottom += height
    return `<g class="s"${options.animate ? ` style="--i:${index}"` : ''}>${text}</g>`
  })
  const height = bottom + 12
  // Without a viewBox the picture is not scaled: on a phone, the text stays as large as it is.
  return `<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">${escapeXml(options.title)}</title>
<desc id="desc">${escapeXml(options.description)}</desc>
<style>${css}${options.animate ? animation : ''}</style>
<rect class="card" x=".5" y=".5" width="100%" height="${height - 1}" rx="10"/>
${drawLanes(scene.columns, height)}
${rows.join('\n')}
</svg>
`
}

const headHeight = 40
const rowHeight = 37
const lineHeight = 16
/** Characters on a line. A label that is longer is cut off; a note, a cut and a verdict have several lines. */
const lineLength = 46
const noteLength = 40
/** Of a label. More is not looked at. */
const mostCharacters = 1000
/** The narrowest pictures with labels in the middle of their arrows, and those with labels at the left. */
const wide = 720
const narrow = 320

/** The colours of pictures, light and dark. */
export const pictureColours = `svg { --text: #1b1f24; --muted: #57606a; --card: #fff; --line: #d8dee5; --accent: #0b5cad; --tint: #e8f1fb;
  --good: #116329; --good-tint: #e6f6ea; --warn: #8a4600; --warn-tint: #fff3df; --bad: #a40e26;
  --state: #7a3fb5; --pkce: #0b5cad; --nonce: #a2236f; --code: #8a4600; --access: #116329; --refresh: #0a6470; --id: #4b5bb8 }
@media (prefers-color-scheme: dark) { svg { --text: #e8ecf1; --muted: #9aa5b1; --card: #161b22; --line: #2b333d;
  --accent: #7cbcff; --tint: #14273b; --good: #6fdd8b; --good-tint: #12291a; --warn: #f5b35c; --warn-tint: #2d2110; --bad: #ff9aa5;
  --state: #c9a1f5; --pkce: #7cbcff; --nonce: #f39bcf; --code: #f5b35c; --access: #6fdd8b; --refresh: #6fd6e4; --id: #a7b4ff } }`

const css = `
${pictureColours}
text { font: 12.5px system-ui, sans-serif; fill: var(--text) }
.card { fill: var(--card); stroke: var(--line); width: calc(100% - 1px) }
.lane { stroke: var(--line) } .lane.client { stroke: var(--accent); stroke-width: 2 } .head { font-weight: 600 } .head.client { fill: var(--accent) }
.k, .tab { fill: var(--muted); font-size: 11px } .tab { font-weight: 600 }
.label { paint-order: stroke; stroke: var(--card); stroke-width: 5px; stroke-linejoin: round }
.arrow line { stroke: var(--text); stroke-width: 1.5 } .arrow path { fill: var(--text) } .answer line { stroke-dasharray: 4 3 }
.refused line { stroke: var(--bad) } .refused path { fill: var(--bad) } .refused .label, .refused .in { fill: var(--bad); font-weight: 600 }
.note { fill: var(--tint); stroke: var(--accent) } .cut { fill: var(--warn-tint) } .cut + g text, .cut + g + g text { fill: var(--warn); font-weight: 600 }
.holds { fill: var(--good-tint) } .holds + rect { fill: var(--good) } .fails { fill: var(--warn-tint) } .fails + rect { fill: var(--bad) }
${(['pkce', 'state', 'nonce', 'code', 'access', 'refresh', 'id'] satisfies ValueKind[]).map((kind) => `.${kind} { fill: var(--${kind}) }`).join(' ')}
.narrow { display: none }
@media (max-width: ${wide - 1}px) { .wide { display: none } .narrow { display: inline } text { font-size: 12px } .head, .k { font-size: 10px } }
`
const animation = `@media (prefers-reduced-motion: no-preference) { .s { animation: draw .6s both; animation-delay: calc(var(--i) * .4s) } }
@keyframes draw { from { opacity: .2 } }
`

interface Column {
  name: string
  lane: Lane
}

interface Scene {
  columns: Column[]
  /** The centre of a lane, as a share of the width. */
  centre(lane: Lane, tab: string): number
  numbers: ReadonlyMap<string, number>
  /** What marks the steps of a tab. */
  mark(tab: string): string
}

interface Drawn {
  text: string
  height: number
}

function sceneOf(steps: readonly Step[], { tabs: shown = 'marks' }: SvgOptions): Scene {
  const tabs = numberTabs(steps)
  const remote = (lane: Lane) => shown === 'marks' || lane === 'server' || lane === 'api'
  const columns: Column[] = usedLanes(steps)
    .filter(remote)
    .map((lane) => ({ name: laneNames[lane], lane }))
  if (shown === 'lanes')
    columns.unshift(
      ...[...tabs.values()].map((tab) => ({ name: `Tab ${tab}`, lane: 'client' as const })),
    )
  const share = (index: number) => (2 * index + 1) / (2 * columns.length)
  return {
    columns,
    centre: (lane, tab) =>
      share(remote(lane) ? columns.findIndex((one) => one.lane === lane) : tabs.get(tab)! - 1),
    numbers: numberSteps(steps),
    mark: (tab) => (shown === 'marks' && tabs.size > 1 ? `tab ${tabs.get(tab)!}` : ''),
  }
}

function drawLanes(columns: Column[], height: number): string {
  return columns
    .map(({ name, lane }, index) => {
      const x = percent((2 * index + 1) / (2 * columns.length))
      const [first = '', ...rest] = name.split(' ')
      const words = columns.length > 3 && rest.length > 0 && name.length > 12
      const lines = words ? [first, rest.join(' ')] : [name]
      const head = lines.map((line, at) => {
        const y = lines.length > 1 ? 17 + at * 14 : 24
        return `<text class="head ${lane}" x="${x}" y="${y}" text-anchor="middle">${line}</text>`
      })
      return `<line class="lane ${lane}" x1="${x}" x2="${x}" y1="${headHeight}" y2="${height - 1}"/>${head.join('')}`
    })
    .join('\n')
    .concat(
      `<line class="lane" x1="0" x2="100%" y1="${headHeight - 0.5}" y2="${headHeight - 0.5}"/>`,
    )
}

interface Place extends Scene {
  top: number
}

function drawStep(step: Step, place: Place): Drawn {
  if (!isNumbered(step)) return drawBar(step, place.top)
  const mark = place.mark(step.tab)
  const number = `<text class="k" x="8" y="${place.top + 15}">${place.numbers.get(step.id)!}</text>`
  const tab = mark
    ? `<text class="tab" x="99%" y="${place.top + 15}" text-anchor="end">${mark}</text>`
    : ''
  const [from, to] = step.type === 'note' ? [step.lane, step.lane] : ([step.from, step.to] as const)
  const ends = { from: place.centre(from, step.tab), to: place.centre(to, step.tab) }
  const { text, height } =
    ends.from === ends.to
      ? drawNote(step, ends.from, place.top)
      : drawMessage(step as Message, ends, place.top)
  return {
    text: `${number}${tab}<g${step.refused ? ' class="refused"' : ''}>${text}</g>`,
    height,
  }
}

function drawMessage(
  message: Message,
  { from, to }: { from: number; to: number },
  top: number,
): Drawn {
  const y = top + 26
  const line = (at: number) =>
    `<line x1="${percent(from)}" x2="${percent(to)}" y1="${at}" y2="${at}"/>`
  const lines = message.navigates ? line(y - 2) + line(y + 2) : line(y)
  const back = to < from ? 1 : -1
  const tip = `<svg x="${percent(to)}" y="${y}" overflow="visible"><path d="M0 0L${9 * back} -5V5z"/></svg>`
  const kind = `arrow${message.answers === undefined ? '' : ' answer'}`
  const text = cut(message.label)
  const label = escapeXml(text) + dots(message)
  const over = anchor((from + to) / 2, widthOf(text) + 11 * kindsOf(message).length)
  return {
    text: `<g class="${kind}">${lines}${tip}</g>
<svg class="wide" x="${over.x}" overflow="visible"><text class="label" x="${over.shift}" y="${top + 17}">${label}</text></svg><text class="label narrow" x="26" y="${top + 16}">${label}</text>`,
    height: rowHeight,
  }
}

function drawNote(step: NumberedStep, centre: number, top: number): Drawn {
  const { length: kinds } = kindsOf(step)
  const lines = wrap(step.label, noteLength - 2 * kinds).slice(0, 4)
  const dotted = 11 * kinds
  const width = Math.max(...lines.map(widthOf)) + dotted + 20
  const height = lines.length * lineHeight + 10
  const box = (size: 'wide' | 'narrow') => {
    const { x, shift } = anchor(centre, width, size)
    const text = lines.map((line, index) => {
      const more = index === lines.length - 1 ? dots(step) : ''
      return `<text class="in" x="${shift + width / 2}" y="${index * lineHeight + 17}" text-anchor="middle">${escapeXml(line)}${more}</text>`
    })
    return `<svg class="${size}" x="${x}" y="${top + 3}" overflow="visible"><rect class="note" x="${shift}" width="${width}" height="${height}" rx="7"/>${text.join('')}</svg>`
  }
  return { text: box('wide') + box('narrow'), height: height + 8 }
}

/** A cut or a verdict: from side to side. */
function drawBar(step: Exclude<Step, NumberedStep>, top: number): Drawn {
  const sizes = { wide: wrap(step.label, 2 * lineLength), narrow: wrap(step.label, lineLength) }
  const height = Math.max(sizes.wide.length, sizes.narrow.length) * lineHeight + 12
  const text = (size: 'wide' | 'narrow') => {
    const first = top + 6 + (height - sizes[size].length * lineHeight) / 2 + 12
    const lines = sizes[size].map(
      (line, index) => `<text x="3.5%" y="${first + index * lineHeight}">${escapeXml(line)}</text>`,
    )
    return `<g class="${size}">${lines.join('')}</g>`
  }
  const kind = step.type === 'cut' ? 'cut' : step.holds ? 'holds' : 'fails'
  const edge =
    kind === 'cut' ? '' : `<rect x="1.5%" y="${top + 6}" width="4" height="${height}" rx="2"/>`
  return {
    text: `<rect class="${kind}" x="1.5%" y="${top + 6}" width="97%" height="${height}" rx="5"/>${edge}${text('wide')}${text('narrow')}`,
    height: height + 12,
  }
}

/** Where something of this width is put: centred if it then fits into the picture, else at the near side. */
function anchor(
  centre: number,
  width: number,
  size: 'wide' | 'narrow' = 'wide',
): { x: string; shift: number } {
  const room = Math.min(centre, 1 - centre) * (size === 'wide' ? wide : narrow)
  if (width / 2 + 26 <= room) return { x: percent(centre), shift: Math.round(-width / 2) }
  return centre <= 0.5 ? { x: '0%', shift: 26 } : { x: '100%', shift: -Math.round(width) - 8 }
}

const kindsOf = (step: NumberedStep): ValueKind[] => [
  ...new Set(step.values.flatMap(({ kind }) => kind ?? [])),
]

const dots = (step: NumberedStep): string =>
  kindsOf(step)
    .map((kind) => `<tspan class="${kind}" dx="3">●</tspan>`)
    .join('')

const percent = (share: number): string => `${Number((share * 100).toFixed(2))}%`

const isNumbered = (step: Step): step is Message | Note =>
  step.type === 'message' || step.type === 'note'

function usedLanes(steps: readonly Step[]): Lane[] {
  const used = new Set(
    steps
      .filter(isNumbered)
      .flatMap((step) => (step.type === 'note' ? [step.lane] : [step.from, step.to])),
  )
  return used.size > 0 ? lanes.filter((lane) => used.has(lane)) : ['client']
}

/** The text in one line, without what XML forbids and what cannot be seen or turns the direction of writing. */
const clean = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu, '')
    .trim()

function escapeXml(text: string): string {
  return clean(text).replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
}

/** How wide a text is, in characters of the usual width. */
const lengthOf = (text: string): number => text.replace(/[^\0-\u2e7f]/gu, '--').length

/** About how many pixels wide. */
const widthOf = (text: string): number => Math.ceil(lengthOf(text) * 6.6)

function cut(label: string, length = lineLength): string {
  const text = clean(label.slice(0, mostCharacters))
  if (lengthOf(text) <= length) return text
  let kept = ''
  let used = 0
  for (const one of text) {
    used += lengthOf(one)
    if (used >= length) break
    kept += one
  }
  return `${kept}…`
}

/** The text in lines; a word that is longer than a line is cut off. */
function wrap(label: string, length: number): string[] {
  const lines = ['']
  for (const word of clean(label.slice(0, mostCharacters)).split(' ')) {
    const longer = `${lines.at(-1)!} ${word}`.trim()
    if (lengthOf(longer) <= length || lines.at(-1) === '')
      lines[lines.length - 1] = cut(longer, length)
    else lines.push(cut(word, length))
  }
  return lines
}
