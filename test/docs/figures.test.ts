import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Window } from 'happy-dom'
import { beforeAll, describe, expect, test } from 'vitest'
import { toSvg } from '../../src/devtools/sequence.ts'
import type { Step } from '../../src/devtools/index.ts'
import { documents, readDocument, root } from './markdown.ts'
import { drawStates } from './figures/states.ts'
import { oneRefreshForTwoTabs, signInAndRefresh } from './figures/stories.ts'

// `npm run figures` writes them anew.
const file = (name: string) => join(root, 'docs/figures', name)

let signIn: Awaited<ReturnType<typeof signInAndRefresh>>
beforeAll(async () => {
  signIn = await signInAndRefresh()
})

describe('the figures are what happens', () => {
  test('sign-in.svg: a sign-in, an API call, and a refresh that the app does not notice', async () => {
    const svg = toSvg(signIn.short, {
      title: 'Signing in, calling an API, and refreshing after a 401',
      description: altOf('README.md', 'sign-in.svg'),
      animate: true,
    })
    await expect(svg).toMatchFileSnapshot(file('sign-in.svg'))
  })

  test('how-it-works.svg: the same with every message', async () => {
    const svg = toSvg(signIn.all, {
      title: 'Every message of a sign-in, an API call, and a refresh after a 401',
      description: altOf('docs/how-it-works.md', 'how-it-works.svg'),
    })
    await expect(svg).toMatchFileSnapshot(file('how-it-works.svg'))
  })

  test('one-refresh.svg: two tabs find an expired token at the same moment', async () => {
    const svg = toSvg(await oneRefreshForTwoTabs(), {
      title: 'One refresh for two tabs',
      description: altOf('docs/sessions.md', 'one-refresh.svg'),
      tabs: 'lanes',
    })
    await expect(svg).toMatchFileSnapshot(file('one-refresh.svg'))
  })

  test('states.svg: the states of a session', async () => {
    const svg = drawStates('The states of a session', altOf('docs/sessions.md', 'states.svg'))
    const document = new new Window().DOMParser().parseFromString(svg, 'image/svg+xml')
    expect(document.querySelector('parsererror')).toBeNull()
    const states = [...document.querySelectorAll('.name')].map(({ textContent }) => textContent)
    expect(states).toEqual(['unknown', 'signed-out', 'signed-in'])
    await expect(svg).toMatchFileSnapshot(file('states.svg'))
  })
})

describe('the verdicts in the figures', () => {
  test('hold', async () => {
    const steps: Step[] = [...signIn.all, ...(await oneRefreshForTwoTabs())]
    const verdicts = steps.filter((step) => step.type === 'verdict')
    expect(verdicts.map(({ label, holds }) => [label, holds])).toEqual([
      ['Refreshed once. Your code saw one answer: 200.', true],
      ['The refresh token was sent once; each tab saw one answer: 200, 200.', true],
    ])
  })
})

test('How it works tells each step by the number and the label it has in the picture', () => {
  const numbered = signIn.all.filter(({ type }) => type === 'message' || type === 'note')
  const told = [...readDocument('docs/how-it-works.md').matchAll(/[Ss]tep (\d+), `([^`]+)`/g)]
  expect(told.length).toBeGreaterThan(12)
  for (const [, number, label] of told)
    expect([number, numbered[Number(number) - 1]!.label]).toEqual([
      number,
      expect.stringContaining(label!),
    ])
})

test('no figure has a secret, a time or an address of a machine in it', () => {
  for (const name of ['sign-in.svg', 'how-it-works.svg', 'one-refresh.svg', 'states.svg']) {
    const text = readFileSync(file(name), 'utf8')
    expect(text).not.toMatch(/eyJ|[\w-]{40}|\d ms|127\.0\.0\.1|https?:\/\/(?!www\.w3\.org)/)
  }
})

test('every picture of a document is there, and described', () => {
  const pictures = documents().flatMap((document) =>
    [...readDocument(document).matchAll(/<img [^>]*>/g)].map(([tag]) => ({ document, tag })),
  )
  expect(pictures).toHaveLength(5)
  for (const { document, tag } of pictures) {
    const [, source] = /src="([^"]+)"/.exec(tag)!
    expect(existsSync(join(root, dirname(document), source!))).toBe(true)
    expect(tag).toMatch(/ alt="[^"]{100,}"/)
  }
})

/** What a document says about a picture to those who do not see it. */
function altOf(document: string, name: string): string {
  const [, alt] = new RegExp(`<img [^>]*figures/${name}"[^>]* alt="([^"]+)"`).exec(
    readDocument(document),
  )!
  return alt!
}
