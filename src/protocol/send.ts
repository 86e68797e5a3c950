import type { DPoPRequestOptions } from 'oauth4webapi'
import type { RequestPurpose } from '../events.ts'
import type { RequestOptions, Transport, TransportExtra } from './transport.ts'

/** One call of oauth4webapi that sends a request. */
export type Call = (options: RequestOptions & DPoPRequestOptions) => Promise<Response>

/** Makes the call, with a proof of possession where the client has a key (RFC 9449 §4). It may be made twice: servers ask for a nonce. */
export type Protect = (call: Call, options: RequestOptions) => Promise<Response>

/** Sends a request with which a token is asked for or used. */
export type Send = (what: RequestPurpose, call: Call, extra?: TransportExtra) => Promise<Response>

export const createSend =
  (transport: Transport, protect: Protect): Send =>
  (what, call, extra) =>
    protect(call, transport(what, extra))

/** Bearer tokens need no proof. */
export const unprotected: Protect = (call, options) => call(options)
