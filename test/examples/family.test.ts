import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { toSvg } from '../../src/devtools/sequence.ts'
import { root } from '../docs/markdown.ts'

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /^(?!dist\/).+\.(?:ts|css|html)$/.test(name))
    .map((name) => folder + name)
}

interface Colour {
  light: string
  dark: string
}
type Tokens = Map<string, Colour>

const declared = /--([\w-]+): ?light-dark\((#\w+), ?(#\w+)\)/g

/** The colours that a file declares, by name. */
function tokensOf(file: string): Tokens {
  const text = readFileSync(join(root, file), 'utf8')
  return new Map(
    [...text.matchAll(declared)].map(([, name, light, dark]) => [
      name!,
      { light: light!, dark: dark! },
    ]),
  )
}

/** Those of the pictures, which have one block for each scheme. */
function tokensOfPictures(): Tokens {
  const css = toSvg([], { title: '', description: '' })
  const [light, dark] = [...css.matchAll(/svg \{ (--[^}]+)/g)].map(
    ([, block]) => new Map([...block!.matchAll(/--([\w-]+): (#\w+)/g)].map(([, n, c]) => [n!, c!])),
  )
  return new Map([...light!].map(([name, light]) => [name, { light, dark: dark!.get(name)! }]))
}

const files = [
  'examples/style.css',
  'src/testing/server/pages.ts',
  ...['src/devtools/', 'examples/playground/']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap(filesIn),
].filter((file) => tokensOf(file).size > 0)
const family = tokensOf('examples/style.css')

test.each([
  ...files.map((file) => [file, tokensOf(file)] as const),
  ['the pictures', tokensOfPictures()] as const,
])('the colours of %s are those of the family', (_, tokens) => {
  expect([...tokens.keys()]).toEqual(expect.arrayContaining(['text', 'card', 'line', 'accent']))
  const shared = [...tokens].filter(([name]) => family.has(name))
  expect(Object.fromEntries(shared)).toEqual(
    Object.fromEntries(shared.map(([name]) => [name, family.get(name)])),
  )
})

const grounds = ['card', 'page', 'tint']
const pairs = [
  ...['text', 'muted', 'accent', 'bad'].flatMap((ink) => grounds.map((ground) => [ink, ground])),
  ['on-accent', 'accent'],
] as [string, string][]

test.each(
  pairs.flatMap(
    ([ink, ground]) =>
      [
        [ink, ground, 'light'],
        [ink, ground, 'dark'],
      ] as const,
  ),
)('%s on %s can be read where it is %s (WCAG 2.2, AA)', (ink, ground, scheme) => {
  const colour = (name: string) => family.get(name)![scheme]
  expect(contrast(colour(ink), colour(ground))).toBeGreaterThanOrEqual(4.5)
})

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light! + 0.05) / (dark! + 0.05)
}

function luminance(colour: string): number {
  const digits = colour.length === 4 ? colour.replace(/\w/g, '$&$&') : colour
  const [red, green, blue] = [1, 3, 5]
    .map((at) => parseInt(digits.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}
