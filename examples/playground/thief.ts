// Somebody who reads the address of the callback: a script of an extension, a proxy, a log.
import { clientId, issuer, redirectUri } from './client.ts'
import { thiefSends } from './verdict.ts'
import type { Recording } from 'pkce-client/devtools'

/** Sends the code of a callback to the token endpoint before the app does. The thief knows all but the verifier. */
export async function stealCode(callback: URL, recording: Recording): Promise<void> {
  recording.add({ from: 'user', to: 'server', label: thiefSends })
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code: callback.searchParams.get('code') ?? '',
      code_verifier: 'a-guess-of-the-thief-which-is-as-long-as-it-must-be',
    }),
  })
  const { error = 'tokens' } = (await answer.json()) as { error?: string }
  recording.add({
    from: 'server',
    to: 'user',
    label: `${answer.status} ${error}, for the thief`,
    refused: !answer.ok,
  })
}
