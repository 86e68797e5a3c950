import { pictureColours } from '../../../src/devtools/sequence.ts'
import type { Session } from '../../../src/index.ts'

interface Box {
  x: number
  y: number
  width: number
  height: number
}

/** One for each state there is: the compiler misses none. */
const boxes: Record<Session['status'], Box> = {
  unknown: { x: 115, y: 14, width: 110, height: 38 },
  'signed-out': { x: 14, y: 158, width: 124, height: 52 },
  'signed-in': { x: 202, y: 136, width: 124, height: 176 },
}

const arrows = [
  'M150 52L88 156',
  'M190 52L252 134',
  'M138 172H200',
  'M202 197H140',
  'M257 210V254',
  'M271 256V212',
]

const words: [x: number, y: number, text: string][] = [
  [62, 86, 'start():'],
  [62, 102, 'no session,'],
  [62, 118, 'or one that'],
  [62, 134, 'has ended'],
  [274, 86, 'start():'],
  [274, 102, 'a session'],
  [169, 165, 'signIn()'],
  [169, 216, 'it ends,'],
  [169, 232, 'see below'],
  [229, 230, 'refresh'],
  [229, 246, 'fails'],
  [299, 230, 'refresh'],
  [299, 246, 'works'],
]

/** The states of a session, and what leads from one to another. It is as wide as a phone. */
export function drawStates(title: string, description: string): string {
  const inner = (y: number, text: string) =>
    `<rect class="inner" x="216" y="${y}" width="96" height="34" rx="7"/><text x="264" y="${y + 22}">${text}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 340 326" width="340" height="326" role="img" aria-labelledby="title desc">
<title id="title">${title}</title>
<desc id="desc">${description}</desc>
<style>
${pictureColours}
text { font: 13px system-ui, sans-serif; fill: var(--muted); text-anchor: middle } .name { fill: var(--text); font-weight: 600 }
rect { fill: var(--card); stroke: var(--line) } .state { stroke: var(--muted); stroke-width: 1.5 } .inner { fill: var(--tint); stroke: var(--accent) } .inner + text { fill: var(--text) }
path { fill: none; stroke: var(--text); stroke-width: 1.5; marker-end: url(#head) } #head path { fill: var(--text); stroke: none; marker-end: none }
</style>
<defs><marker id="head" viewBox="0 0 9 10" refX="8" refY="5" markerWidth="9" markerHeight="10" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L9 5 0 10z"/></marker></defs>
<rect x=".5" y=".5" width="339" height="325" rx="10"/>
${Object.entries(boxes)
  .map(
    ([state, { x, y, width, height }]) =>
      `<rect class="state" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/><text class="name" x="${x + width / 2}" y="${y + 24}">${state}</text>`,
  )
  .join('\n')}
<text x="76" y="201">reason?</text>
${inner(176, 'stale: false')}
${inner(256, 'stale: true')}
${arrows.map((path) => `<path d="${path}"/>`).join('')}
${words.map(([x, y, text]) => `<text x="${x}" y="${y}">${text}</text>`).join('\n')}
</svg>
`
}
