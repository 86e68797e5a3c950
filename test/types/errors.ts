// What can be told from an error. Checked by `npm run typecheck`; never run.
import { CallbackError, OAuthServerError, PkceClientError, isPkceClientError } from 'pkce-client'
import type { ErrorCode } from 'pkce-client'
import { expectTypeOf } from 'vitest'

export function explain(caught: unknown): string {
  // @ts-expect-error -- anything can be thrown
  expectTypeOf(caught.code)
  if (!isPkceClientError(caught)) throw caught
  expectTypeOf(caught).toEqualTypeOf<PkceClientError>()
  expectTypeOf(caught.code).toEqualTypeOf<ErrorCode>()
  expectTypeOf(caught.retryable).toEqualTypeOf<boolean>()
  expectTypeOf(caught.sessionEnded).toEqualTypeOf<boolean>()
  if (caught instanceof CallbackError) {
    expectTypeOf(caught.returnTo).toEqualTypeOf<string | undefined>()
    expectTypeOf(caught.appState).toEqualTypeOf<unknown>()
  }
  if (caught instanceof OAuthServerError) {
    expectTypeOf(caught.error).toEqualTypeOf<string | undefined>()
    expectTypeOf(caught.status).toEqualTypeOf<number | undefined>()
  }
  switch (caught.code) {
    case 'sign_in_required':
    case 'session_ended':
      return 'Please sign in.'
    // @ts-expect-error -- a misspelt code is found before anybody sees it
    case 'sign-in-required':
      return ''
    default:
      return caught.retryable ? 'Please try again.' : 'Something is set up wrongly.'
  }
}

// @ts-expect-error -- a code is one of the known ones
new PkceClientError('oops', 'Oops.')
