import fc from 'fast-check'
import { Window } from 'happy-dom'
import { describe, expect, it } from 'vitest'
import { toMermaid, toSvg } from '../../src/devtools/sequence.ts'
import { lanes, valueKinds } from '../../src/devtools/steps.ts'
import type { Lane, Message, Note, Step, ValueKind } from '../../src/devtools/steps.ts'
import { fuzz } from '../support/fuzz.ts'

let last = 0
const common = (label: string, tab = 'one') => ({ id: `step-${(last += 1)}`, tab, at: 0, label })
const values = (kinds: ValueKind[]) =>
  kinds.map((kind) => ({ name: kind, text: '…', place: 'query' as const, kind }))

type Arrow = Partial<Omit<Message, 'values'>> & { kinds?: ValueKind[] }

function message(
  [from, to]: [Lane, Lane],
  label: string,
  { kinds = [], ...more }: Arrow = {},
): Message {
  const facts = { values: values(kinds), checks: [], ...more }
  return { ...common(label, more.tab), type: 'message', purpose: 'app', from, to, ...facts }
}

function note(lane: Lane, label: string, more: Partial<Note> = {}): Note {
  return {
    ...common(label),
    type: 'note',
    purpose: 'values',
    lane,
    values: [],
    checks: [],
    ...more,
  }
}

/** A sign-in, and a call that a 401 interrupts. */
const story: Step[] = [
  message(['user', 'app'], 'clicks “Sign in”'),
  note('client', 'makes verifier, challenge, state, nonce', { values: values(['pkce', 'state']) }),
  message(['client', 'server'], 'GET /authorize', { navigates: true, kinds: ['pkce', 'state'] }),
  { ...common('You pressed “API answers 401”'), type: 'cut' },
  message(['client', 'api'], 'GET /users/me', { kinds: ['access'] }),
  message(['api', 'client'], '401 invalid_token', { answers: 'x', refused: true }),
  message(['client', 'api'], 'GET /users/me', { kinds: ['access'] }),
  message(['api', 'client'], '200', { answers: 'x' }),
  { ...common('Renewed once. Your code saw one answer: 200.'), type: 'verdict', holds: true },
]

const named = { title: 'Sign-in', description: 'Ada signs in.' }

/** The text as XML: fails where a browser would show an error in place of the picture. */
function parse(svg: string): Element {
  const document = new new Window().DOMParser().parseFromString(svg, 'image/svg+xml')
  expect(document.querySelector('parsererror')).toBeNull()
  return document.documentElement as unknown as Element
}

/** The texts that a picture shows in one of its two sizes, in order. */
const textsOf = (svg: Element, size: 'wide' | 'narrow') =>
  [...svg.querySelectorAll('text')]
    .filter((text) => !text.closest(size === 'wide' ? '.narrow' : '.wide'))
    .map((text) => text.textContent.replace(/●/g, ''))

// What a server could say to break out of where it is shown.
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ maxLength: 80 }),
  fc
    .array(
      fc.constantFrom(
        ...['</text>', '<script>alert(1)</script>', ']]>', '<!--', '&quot;', '"', "'", '&', '\0'],
        ...[
          '\n',
          '\r',
          '\u2028',
          ';',
          '#',
          '%%{init: {}}%%',
          'end',
          'END',
          ':',
          'click api call()',
        ],
        ...[
          'ﬂ°°60¶ß',
          'style:a#b;',
          'link api: a @ https://evil.example',
          '\ud800',
          '\uffff',
          '\u202e',
          '\u200b',
        ],
        ...[
          '$$x$$',
          '`',
          '-->>',
          '--x',
          'Note over api',
          'participant',
          '<br/>',
          ' ',
          'a',
          '{',
          '}',
        ],
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
)
const lane = fc.constantFrom(...lanes)
const kinds = fc.subarray(Object.keys(valueKinds) as ValueKind[])
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({ from: lane, to: lane, label: hostile, tab: hostile, kinds, flag: fc.boolean() })
    .map(({ from, to, label, flag, ...more }) =>
      message([from, to], label, { ...more, refused: flag, navigates: !flag }),
    ),
  fc.record({ lane, label: hostile }).map(({ lane, label }) => note(lane, label)),
  hostile.map((label): Step => ({ ...common(label), type: 'cut' })),
  fc
    .record({ label: hostile, holds: fc.boolean() })
    .map(({ label, holds }): Step => ({ ...common(label), type: 'verdict', holds })),
)
const anySteps = fc.array(anyStep, { maxLength: 12 })

describe('a recording as a picture', () => {
  const svg = parse(toSvg(story, named))

  it('has a lane for each who takes part, and none for who does not', () => {
    const heads = [...svg.querySelectorAll('.head')].map((head) => head.textContent)
    expect(heads).toEqual(['You', 'Your app', 'pkce-client', 'Authorization', 'server', 'API'])
    const two = parse(toSvg([message(['client', 'api'], 'GET /')], named))
    expect([...two.querySelectorAll('.head')].map((head) => head.textContent)).toEqual([
      'pkce-client',
      'API',
    ])
  })

  it.each(['wide', 'narrow'] as const)('tells the story in order where it is %s', (size) => {
    expect(textsOf(svg, size).slice(6)).toEqual([
      ...['1', 'clicks “Sign in”', '2', 'makes verifier, challenge, state,', 'nonce'],
      ...['3', 'GET /authorize', 'You pressed “API answers 401”', '4', 'GET /users/me'],
      ...['5', '401 invalid_token', '6', 'GET /users/me', '7', '200'],
      'Renewed once. Your code saw one answer: 200.',
    ])
  })

  it('draws an answer dashed, a navigation double, and a refusal red', () => {
    const steps = [...svg.querySelectorAll('.s')]
    const classes = steps.map((step) => [
      step.querySelectorAll('.arrow line').length,
      step.querySelector('.answer') !== null,
      step.querySelector('.refused') !== null,
    ])
    expect(classes[0]).toEqual([1, false, false])
    expect(classes[2]).toEqual([2, false, false])
    expect(classes[5]).toEqual([1, true, true])
    expect(classes[7]).toEqual([1, true, false])
  })

  it('has a dot in the colour of each kind of value', () => {
    const sent = svg.querySelectorAll('.s')[2]!.querySelectorAll('.wide tspan')
    expect([...sent].map((dot) => dot.getAttribute('class'))).toEqual(['pkce', 'state'])
    for (const kind of Object.keys(valueKinds))
      expect(svg.querySelector('style')!.textContent).toContain(`.${kind} { fill: var(--${kind}) }`)
  })

  it('leads each arrow from its lane to the other, with the head where it ends', () => {
    const back = svg.querySelectorAll('.s')[5]!
    const line = back.querySelector('.arrow line')!
    expect([line.getAttribute('x1'), line.getAttribute('x2')]).toEqual(['90%', '50%'])
    expect(back.querySelector('.arrow svg')!.getAttribute('x')).toBe('50%')
  })

  it('is named, and has both colour schemes inside', () => {
    expect(svg.querySelector('title')!.textContent).toBe('Sign-in')
    expect(svg.querySelector('desc')!.textContent).toBe('Ada signs in.')
    expect(svg.getAttribute('aria-labelledby')).toBe('title desc')
    expect(svg.querySelector('style')!.textContent).toContain('prefers-color-scheme: dark')
  })

  it('is drawn step by step only when it is asked for, and not where motion is reduced', () => {
    expect(toSvg(story, named)).not.toContain('animation')
    const animated = toSvg(story, { ...named, animate: true })
    expect(animated).toMatch(/@media \(prefers-reduced-motion: no-preference\) \{ \.s \{ animation/)
    expect(animated).toContain('style="--i:8"')
  })

  it('breaks a long note, and cuts off a long label', () => {
    const long = 'a word '.repeat(100)
    const drawn = parse(toSvg([note('client', long), message(['user', 'api'], long)], named))
    const [, , , , ...texts] = textsOf(drawn, 'narrow')
    expect(texts.filter((text) => text.startsWith('a word'))).toHaveLength(3)
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(46)
    expect(texts.at(-1)).toMatch(/…$/)
  })

  it('keeps its boxes between its edges, whatever is said', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const boxes = parse(toSvg(steps, named)).querySelectorAll('svg:has(> .note)')
        for (const place of boxes) {
          const [share, shift, width] = [
            parseFloat(place.getAttribute('x')!) / 100,
            Number(place.querySelector('.note')!.getAttribute('x')),
            Number(place.querySelector('.note')!.getAttribute('width')),
          ]
          const room = place.getAttribute('class') === 'wide' ? 720 : 320
          expect(share * room + shift).toBeGreaterThanOrEqual(0)
          expect(share * room + shift + width).toBeLessThanOrEqual(room)
        }
      }),
      fuzz(50),
    )
  })

  it('is valid XML with nothing but drawings in it, whatever the steps say', () => {
    fc.assert(
      fc.property(anySteps, hostile, (steps, title) => {
        const text = toSvg(steps, { title, description: title, animate: true })
        const drawing = parse(text)
        const names = new Set([...drawing.querySelectorAll('*')].map(({ tagName }) => tagName))
        for (const name of names) expect(allowed).toContain(name.toLowerCase())
        expect(drawing.querySelectorAll('.s')).toHaveLength(steps.length)
        expect(text).not.toMatch(forbidden)
      }),
      fuzz(150),
    )
  })

  it('has two marks for two tabs, or two lanes', () => {
    const steps = [
      message(['app', 'client'], 'auth.fetch()', { tab: 'one' }),
      message(['client', 'server'], 'POST /token', { tab: 'two' }),
    ]
    const marks = parse(toSvg(steps, named)).querySelectorAll('.tab')
    expect([...marks].map((mark) => mark.textContent)).toEqual(['tab 1', 'tab 2'])
    const two = parse(toSvg(steps, { ...named, tabs: 'lanes' }))
    expect(textsOf(two, 'wide')).toEqual([
      ...['Tab 1', 'Tab 2', 'Authorization server', '1', 'auth.fetch()', '2', 'POST /token'],
    ])
    expect(two.querySelector('.arrow line')!.getAttribute('x1')).toBe('50%')
    // Within one lane there is no arrow.
    expect(two.querySelectorAll('.s')[0]!.querySelector('.note')).not.toBeNull()
  })
})

const allowed = ['title', 'desc', 'style', 'rect', 'line', 'text', 'g', 'svg', 'path', 'tspan']
// Of XML 1.0, and what turns the direction of writing. The parser of these tests lets it pass.
const forbidden =
  /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]|\p{Cs}|&(?!#\d+;)/u

describe('a recording as Mermaid', () => {
  it('is a diagram with the numbers of the panel', () => {
    expect(toMermaid(story)).toBe(`sequenceDiagram
  participant user as You
  participant app as Your app
  participant client as pkce-client
  participant server as Authorization server
  participant api as API
  user->>app: 1 clicks “Sign in”
  Note over client: 2 makes verifier, challenge, state, nonce
  client->>server: 3 GET /authorize
  Note over user,api: You pressed “API answers 401”
  client->>api: 4 GET /users/me
  api--xclient: 5 401 invalid_token
  client->>api: 6 GET /users/me
  api-->>client: 7 200
  Note over user,api: Renewed once. Your code saw one answer#58; 200.
`)
  })

  it('says which tab it was, where there are two', () => {
    const steps = [
      message(['client', 'server'], 'POST /token', { tab: 'b' }),
      message(['client', 'server'], 'POST /token', { tab: 'a' }),
    ]
    expect(toMermaid(steps)).toContain('1, tab 1 POST /token')
    expect(toMermaid(steps)).toContain('2, tab 2 POST /token')
    // This tab is the first, as in the panel.
    expect(toMermaid(steps, 'a')).toContain('1, tab 2 POST /token')
    expect(toMermaid(steps, 'a')).toContain('2, tab 1 POST /token')
  })

  it('cannot be broken out of: what Mermaid gives a meaning becomes an entity', () => {
    const said = 'a\nclick api href "https://evil.example"; %%{init: {}}%% <b> # end ﬂ°°60¶ß'
    expect(
      toMermaid([message(['server', 'client'], said)])
        .split('\n')
        .slice(3),
    ).toEqual([
      '  server->>client: 1 a click api href #34;https#58;//evil.example#34;#59; #37;#37;#123;init#58; #123;#125;#125;#37;#37; #60;b#62; #35; #101;nd #64258;#176;#176;60#182;ß',
      '',
    ])
  })

  it('has one line for each participant and step, made of harmless characters, whatever they say', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const lines = toMermaid(steps)
          .trimEnd()
          .split(/[\n\r\u2028\u2029]/)
        const body = lines.filter((line) => !line.startsWith('  participant')).slice(1)
        expect(body).toHaveLength(steps.length)
        for (const line of body) {
          const [, text] = /^ {2}(?:[a-z]+--?(?:>>|x)[a-z]+|Note over [a-z,]+):(.*)$/.exec(line)!
          expect(text!.replace(/#\d+;/g, '')).toMatch(/^[\p{L}\p{N} /.,_()=?!'“”…✓-]*$/u)
          expect(text).not.toMatch(/\bend\b|[ﬂ¶]/i)
        }
      }),
      fuzz(300),
    )
  })
})

// Not timed by a clock: work that grows faster than the input does not end within the time limit of a test.
it('500 steps with long labels are drawn, cut to what can be read', () => {
  const long = '<&"\u202e '.repeat(20_000)
  const steps = Array.from({ length: 500 }, () => message(['app', 'client'], long))
  expect(toSvg(steps, named).length).toBeLessThan(1_000_000)
  expect(toMermaid(steps).length).toBeLessThan(200_000)
})
