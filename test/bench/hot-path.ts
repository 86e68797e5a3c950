import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { engineNames, launch } from '../browser/browser.ts'
import { hotPathBudgets } from './budgets.ts'
import { measureHotPath } from './hot-path-calls.ts'
import { heading, row } from './report.ts'
import type { HotPathTimes } from './hot-path-calls.ts'

/** Serves a page with the benchmark in it. Isolated, because browsers round the clock of such pages less. */
async function servePage(): Promise<{ url: string; close: () => void }> {
  const script = readFileSync(new URL('hot-path-page.mjs', import.meta.url))
  const server = createServer((request, response) => {
    const isScript = request.url === '/script.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.setHeader('cross-origin-opener-policy', 'same-origin')
    response.setHeader('cross-origin-embedder-policy', 'require-corp')
    response.end(
      isScript ? script : '<!doctype html><script type="module" src="/script.js"></script>',
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => server.close(),
  }
}

async function measureInBrowser(engine: string): Promise<{ name: string; times: HotPathTimes }> {
  const browser = await launch(engine)
  const page = await servePage()
  try {
    const tab = await browser.newPage()
    await tab.goto(page.url)
    const times = await tab.evaluate(() =>
      (globalThis as unknown as { measureHotPath: typeof measureHotPath }).measureHotPath(),
    )
    return { name: `${engine} ${browser.version()}`, times }
  } finally {
    await browser.close()
    page.close()
  }
}

function report(name: string, times: HotPathTimes, budgets: Record<string, number> = {}): void {
  heading(`Hot path in ${name}: what a call with a fresh token adds to the fetch beneath it`)
  for (const [call, { ours, glue }] of Object.entries(times)) {
    const most = budgets[call]
    const ratio = ours / glue
    row(call, {
      value: `${ours.toFixed(2)} us`,
      ...(most !== undefined && { budget: `${most} x glue` }),
      ok: ratio <= (most ?? Infinity),
      notes: [`${ratio.toFixed(2)} x oauth4webapi glue (${glue.toFixed(2)} us)`],
    })
  }
}

report(`Node ${process.versions.node}`, await measureHotPath(), hotPathBudgets['node'])
for (const engine of engineNames) {
  try {
    const { name, times } = await measureInBrowser(engine)
    report(name, times, hotPathBudgets[engine])
  } catch (error) {
    heading(`Hot path in ${engine}: NOT MEASURED. ${(error as Error).message}`)
  }
}
