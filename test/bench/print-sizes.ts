import { sizeBudgets } from './budgets.ts'
import { heading, row } from './report.ts'
import { measureSize } from './size.ts'

heading('Size: minified and gzipped, oauth4webapi included')
for (const name of Object.keys(sizeBudgets) as (keyof typeof sizeBudgets)[]) {
  const { bytes, ceiling, aim } = await measureSize(process.cwd(), name)
  row(name, { value: `${bytes} B`, budget: `${aim} B`, ok: bytes <= aim })
  if (bytes > ceiling) process.exitCode = 1
}
