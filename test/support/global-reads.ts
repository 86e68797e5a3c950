/** Options for programs that run in a process of their own. */
export const options = `{
  issuer: 'https://login.example.com',
  clientId: 'production-app',
  redirectUri: 'https://app.example.com/callback',
  scope: 'openid offline_access',
  resources: ['https://api.example.com/'],
}`

const watched = [
  ...['window', 'self', 'document', 'location', 'history', 'navigator', 'isSecureContext'],
  ...['localStorage', 'sessionStorage', 'indexedDB', 'caches', 'cookieStore'],
  ...['BroadcastChannel', 'MessageChannel', 'Worker', 'addEventListener', 'removeEventListener'],
  ...['crypto', 'fetch', 'Request', 'Response', 'Headers', 'XMLHttpRequest', 'performance'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'requestAnimationFrame', 'queueMicrotask'],
  ...['process', 'Deno', 'Bun'],
]

/**
 * A program for plain Node that imports the package, makes a client, and prints which globals of the platform
 * were read on the way, `typeof` included. What oauth4webapi reads of its own is not counted: its user agent.
 */
export function globalReads(specifier: string): string {
  return `
    const reads = []
    const print = process.stdout.write.bind(process.stdout)
    for (const name of ${JSON.stringify(watched)}) {
      Object.defineProperty(globalThis, name, {
        configurable: true,
        get() {
          const reader = new Error().stack.split('\\n')[2]
          if (!reader.includes('oauth4webapi') && !reader.includes('node:')) reads.push(name + reader)
        },
      })
    }
    const { PkceClient } = await import(${JSON.stringify(specifier)})
    new PkceClient(${options})
    print(reads.join('\\n'))`
}
