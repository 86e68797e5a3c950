import { PkceClientError } from './errors.ts'

/** What a value must be, as a test and as words. */
export type Rule = readonly [isRight: (value: never) => unknown, whatIsRight: string]

/** What each option must be; a name that is not there is a mistake. */
export type Rules<Options> = { readonly [Name in keyof Options]-?: Rule }

export const object: Rule = [
  (value: unknown) => typeof value === 'object' && value !== null,
  'an object',
]
export const text: Rule = [(value) => typeof value === 'string' && value, 'a non-empty string']
export const flag: Rule = [(value) => typeof value === 'boolean', 'true or false']
export const callable: Rule = [(value) => typeof value === 'function', 'a function']
export const milliseconds: Rule = [
  (value: number) => Number.isFinite(value) && value > 0,
  'a positive number of milliseconds',
]
export const wholeSeconds: Rule = [
  (value: number) => Number.isInteger(value) && value >= 0,
  'a whole number of seconds',
]
export const signal: Rule = [
  (value?: Partial<AbortSignal> | null) => typeof value?.aborted === 'boolean',
  'an AbortSignal',
]
export const url: Rule = [
  (value: unknown) => typeof value === 'string' || value instanceof URL,
  'a URL or a path',
]

/** An object of strings, none of which has a reserved name. */
export const strings = (isReserved: (name: string) => boolean, such: string): Rule => [
  (value: object) =>
    object[0](value as never) &&
    Object.entries(value).every(([name, one]) => typeof one === 'string' && !isReserved(name)),
  `an object of strings, without ${such} and the like`,
]

/** Options as they are once those of `undefined` were left out. */
export type Defined<Options> = { [Name in keyof Options]: Exclude<Options[Name], undefined> }

/**
 * A copy of the options that are set, without a prototype: what some library put on `Object.prototype` is not taken for
 * one. Throws `invalid_option` for a name that does not exist and for a value that is not right.
 */
export function checkOptions<Options extends object, Given extends Options>(
  given: Given,
  rules: Rules<Options>,
): Defined<Given> {
  const options = copyOwn(given)
  for (const [name, value] of Object.entries(options as Record<string, unknown>)) {
    if (!Object.hasOwn(rules, name)) {
      const known = Object.keys(rules).join(', ')
      const more = known.includes('extraParams') ? '; other parameters go into extraParams' : ''
      const shown = name.slice(0, 100)
      const why = `There is no option ${shown}, only ${known}${more}.`
      throw new PkceClientError('invalid_option', why)
    }
    checkValue(name, { value, rule: rules[name as keyof Options] })
  }
  return options
}

/** Throws `invalid_option` unless the value is right. */
export function checkValue(
  name: string,
  { value, rule: [isRight, whatIsRight] }: { value: unknown; rule: Rule },
): void {
  if (!isRight(value as never)) fail(name, whatIsRight, value)
}

/** A copy of what is set, without a prototype. */
export function copyOwn<T extends object>(given: T): Defined<T> {
  const members = Object.entries({ ...given }).filter(([, value]) => value !== undefined)
  return { __proto__: null, ...Object.fromEntries(members) } as unknown as Defined<T>
}

export function fail(option: string, whatIsRight: string, value: unknown): never {
  const shown = asJson(value)?.slice(0, 100) ?? typeof value
  throw new PkceClientError('invalid_option', `${option} must be ${whatIsRight}; it is ${shown}.`)
}

/** `undefined` for what JSON cannot hold, such as a BigInt, a function, or an object that contains itself. */
export function asJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
