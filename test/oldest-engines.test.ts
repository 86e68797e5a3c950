import { expect, test } from 'vitest'
import oldestEngines from '../scripts/lint/oldest-engines.js'
import { lint } from './support/lint.ts'

/** What the rule says about each line of a source. */
function lintLines(lines: readonly string[]): (string | undefined)[] {
  const lib = ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.asynciterable.d.ts']
  const messages = lint(oldestEngines, { 'source.ts': lines.join('\n') }, { lib }).get('source.ts')!
  return lines.map((_, index) => messages.find(({ line }) => line === index + 1)?.message)
}

test('lint refuses what the oldest engines of the README lack (F26)', () => {
  const found = lintLines([
    `export const isUrl = URL.canParse('https://app.example.com')`,
    `export const { canParse: parses } = URL`,
    `export const either = AbortSignal.any([])`,
    `export const late = AbortSignal.timeout(1)`,
    `export const later = Promise.withResolvers<void>()`,
    `export const groups = Object.groupBy(['a'], (one) => one)`,
    `export const bytes = new Response('').bytes()`,
    `export const json = Response.json({})`,
    `export const packed = new CompressionStream('gzip')`,
    `export const read = async () => { for await (const one of new ReadableStream()) void one }`,
    `export const after = /(?<=a)b/`,
    `export class Made { static { void 0 } }`,
  ])
  expect(
    found.map((message) => message?.replace(/ is missing in .*| are missing in .*/, '')),
  ).toEqual([
    ...['URL.canParse', 'URL.canParse', 'AbortSignal.any', 'AbortSignal.timeout'],
    ...['Promise.withResolvers', 'Object.groupBy', 'Response.bytes', 'Response.json'],
    ...['CompressionStream', 'ReadableStream.@@asyncIterator', 'Lookbehind', 'Static blocks'],
  ])
})

test('lint says nothing about what they have (F26)', () => {
  const source = [
    `export const has = Object.hasOwn({}, 'a')`,
    `export const last = [1].at(-1)`,
    `export const json = new Response('').json()`,
    `export const copy = structuredClone({})`,
    `export const abort = (signal: AbortSignal) => signal.throwIfAborted()`,
    `export const lock = () => navigator.locks.request('name', () => {})`,
    `export const channel = new BroadcastChannel('name')`,
    `export const mine = { canParse: () => true, any: 1 }.canParse()`,
  ]
  expect(lintLines(source)).toEqual(source.map(() => undefined))
})
