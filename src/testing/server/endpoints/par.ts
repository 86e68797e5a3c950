import { readRequest } from '../authorization-request.ts'
import { authenticateClient } from '../client-authentication.ts'
import type { Context, Visit } from '../context.ts'
import { readProof } from '../dpop.ts'
import { json, oauthError, readBody, withHeader } from '../http.ts'
import type { Reply } from '../http.ts'

const maximumLength = 64 * 1024

/** POST /par: an authorization request is validated before anybody leaves the app (RFC 9126 §2). */
export async function pushRequest(visit: Visit): Promise<Reply> {
  const { context, call } = visit
  const told = refuseAsTold(context)
  if (told) return told
  if (call.body.length > maximumLength) return refuse('the request is too large', 413)
  const parameters = readBody(call)
  if ('status' in parameters) return parameters
  const client = await authenticateClient(visit, parameters)
  if ('status' in client) return client
  if (parameters.get('request_uri') !== undefined) {
    return refuse('a pushed request has no request_uri')
  }
  const request = readRequest(context, parameters)
  if ('problem' in request) {
    const { error, description } = request.problem
    return oauthError({ error, description: printable(description) })
  }
  const proof = await readProof(visit)
  if (proof && 'error' in proof) return oauthError(proof)
  if (proof && (request.jkt ?? proof.jkt) !== proof.jkt) {
    const description = 'dpop_jkt is not the key of the proof'
    return oauthError({ error: 'invalid_dpop_proof', description })
  }
  const jkt = request.jkt ?? proof?.jkt
  const { requestUri, expiresIn } = context.pushedRequests.push({ ...request, jkt })
  const status = context.faults.use('par-200') ? 200 : 201
  return json({ request_uri: requestUri, expires_in: expiresIn }, status)
}

function refuse(description: string, status = 400): Reply {
  return oauthError({ error: 'invalid_request', description }, status)
}

function refuseAsTold({ faults }: Context): Reply | undefined {
  const fault = faults.use('par-status')
  if (!fault) return undefined
  const { status = 400, error = 'invalid_request', retryAfter } = fault
  const refusal = oauthError({ error, description: 'refused by the fault par-status' }, status)
  if (retryAfter === undefined) return refusal
  return withHeader(refusal, ['retry-after', String(retryAfter)])
}

/** The characters an error description may have (RFC 6749 §5.2). */
function printable(text: string): string {
  return text.replace(/[^ !#-[\]-~]/g, '?')
}
