import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { coldStartBudget } from './budgets.ts'
import { heading, row } from './report.ts'

const rounds = 25

const bundle = (name: string) => fileURLToPath(new URL(`./cold-start-${name}.mjs`, import.meta.url))

/** Milliseconds from the import to the authorization URL, in a process of its own. */
function coldStart(program: 'ours' | 'glue'): number {
  const args = [bundle('timer'), bundle(program)]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}

// The least each took, since other work on the machine only ever adds.
let ours = Infinity
let glue = Infinity
for (let round = 0; round < rounds; round += 1) {
  ours = Math.min(ours, coldStart('ours'))
  glue = Math.min(glue, coldStart('glue'))
}

heading('Cold start: import, construct, authorization URL, in a fresh process')
const ratio = ours / glue
row('bundled, without the start of Node', {
  value: `${ours.toFixed(1)} ms`,
  budget: `${coldStartBudget} x glue`,
  ok: ratio <= coldStartBudget,
  notes: [`${ratio.toFixed(2)} x oauth4webapi glue (${glue.toFixed(1)} ms)`],
})
