export const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

/** The fetch standard's HTTP-redirect fetch: whether the next request is a GET without the body. */
export function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== 'HEAD' && method !== 'GET'
  return (status === 301 || status === 302) && method === 'POST'
}
