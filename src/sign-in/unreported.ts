import type { PkceClientError } from '../errors.ts'

/** The same outcome. A button that ignores it causes no unhandled rejection when the sign-in was only cancelled. */
export function unreported<T>(work: Promise<T>): Promise<T> {
  const outcome = new Promise<T>((resolve, reject) => {
    work.then(resolve, (error: unknown) => {
      if ((error as Partial<PkceClientError>).code === 'sign_in_cancelled') outcome.catch(() => {})
      reject(error)
    })
  })
  return outcome
}
