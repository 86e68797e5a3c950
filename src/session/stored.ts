/** The type of each member; with a question mark it may be missing. */
export type Shape = Record<
  string,
  'string' | 'number' | 'object' | 'string?' | 'number?' | 'object?'
>

/** Copies the named members of something that was stored, where anybody may have edited it; throws when one does not fit. */
export function pick(source: unknown, shape: Shape): Record<string, unknown> {
  const picked: Record<string, unknown> = {}
  for (const [name, type] of Object.entries(shape)) {
    const value = Object.hasOwn(source as object, name)
      ? (source as Record<string, unknown>)[name]
      : undefined
    // Also when it is missing: an own `undefined` hides what somebody may have put on Object.prototype, in copies too.
    picked[name] = value
    if (value === undefined && type.endsWith('?')) continue
    // JSON has no NaN, but 1e999 is Infinity.
    const isNumber = typeof value === 'number'
    const fits =
      type.startsWith(typeof value) && value !== null && Number.isFinite(value) === isNumber
    if (!fits) throw new TypeError(name)
  }
  return picked
}
