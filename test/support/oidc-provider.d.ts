// The package brings no types; this is the part of it that the tests use.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface Token {
    readonly accountId: string
    readonly aud?: string
    readonly isValid: boolean
  }

  export const errors: { InvalidTarget: new () => Error }

  export class Provider {
    constructor(issuer: string, configuration: object)
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    readonly AccessToken: { find(value: string): Promise<Token | undefined> }
  }
}
