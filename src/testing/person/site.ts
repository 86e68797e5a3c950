const address = /^(\[.*\]|[\d.]+)$/

/** Scheme and registrable domain, taken to be the last two labels. */
function siteOf({ protocol, hostname }: URL): string {
  const domain = address.test(hostname) ? hostname : hostname.split('.').slice(-2).join('.')
  return `${protocol}//${domain}`
}

export function isSameSite(one: URL, other: URL): boolean {
  return siteOf(one) === siteOf(other)
}
