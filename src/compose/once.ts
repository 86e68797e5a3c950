/** Finds something once for all callers. A failure is forgotten, so that the next call tries again. */
export function once<T>(find: () => Promise<T>): (() => Promise<T>) & { forget: () => void } {
  let found: Promise<T> | undefined
  const forget = () => void (found = undefined)
  const get = () =>
    (found ??= find().catch((error: unknown) => {
      forget()
      throw error
    }))
  return Object.assign(get, { forget })
}
