interface Row {
  value: string
  budget?: string
  ok: boolean
  notes?: readonly string[]
}

export function heading(text: string): void {
  console.log(`\n${text}`)
}

export function row(name: string, { value, budget, ok, notes = [] }: Row): void {
  const limit = budget === undefined ? '' : `of ${budget}`
  const columns = [name.padEnd(36), value.padStart(12), limit.padEnd(12), ok ? 'ok  ' : 'OVER']
  console.log(`  ${[...columns, notes.join(', ')].join('  ').trimEnd()}`)
}
