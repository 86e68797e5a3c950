import { PkceClientError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { Session } from '../session/state.ts'

/** Remembers the address at which the user was signed out, in this tab or another, until the next click or sign-in. */
export function watchSignOut(host: Host) {
  let before: Session['status'] = 'unknown'
  let address: string | undefined
  let stop = () => {}

  function forget(): void {
    stop()
    address = undefined
  }

  return {
    note(now: Session): void {
      forget()
      if (before === 'signed-in' && now.status === 'signed-out' && now.reason === 'signed-out') {
        address = host.url()
        stop = host.onGesture(forget)
      }
      before = now.status
    },

    isHere: (): boolean => address !== undefined && address === host.url(),

    close: (): void => stop(),
  }
}

/** Why the guard of a page does not send the user away. */
export function signInRequired(why: string): PkceClientError {
  return new PkceClientError(
    'sign_in_required',
    `Nobody is signed in, and ${why}; call signIn() from a click.`,
    { sessionEnded: true },
  )
}
