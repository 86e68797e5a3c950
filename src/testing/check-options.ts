/** What each option takes: one of these values, an array, or anything. */
export type Choices<Options> = {
  readonly [Name in keyof Required<Options>]: readonly unknown[] | 'array' | 'anything'
}

// Test runners do not look at types, and a test whose option is ignored proves nothing.
export function checkOptions<Options extends object>(
  options: Options,
  { of: whose, choices }: { of: string; choices: Choices<Options> },
): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(choices, name)) throw new Error(`${whose} has no option ${name}.`)
    if (value !== undefined) checkValue(name, { value, choice: choices[name as keyof Options] })
  }
}

export function checkValue(
  name: string,
  { value, choice }: { value: unknown; choice: Choices<Record<string, unknown>>[string] },
): void {
  if (choice === 'anything') return
  const isArray = choice === 'array'
  if (isArray ? Array.isArray(value) : choice.includes(value)) return
  const text = (it: unknown): string => JSON.stringify(it)
  const demand = isArray ? 'an array' : `one of ${choice.map(text).join(', ')}`
  throw new Error(`${name} must be ${demand}; it is ${text(value)}.`)
}
