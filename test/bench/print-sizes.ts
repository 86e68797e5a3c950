import { additionBudgets, sizeBudgets } from './budgets.ts'
import { heading, row } from './report.ts'
import { measureAddition, measureSize } from './size.ts'

function print(name: string, { bytes, ceiling, aim }: Awaited<ReturnType<typeof measureSize>>) {
  row(name, { value: `${bytes} B`, budget: `${aim} B`, ok: bytes <= aim })
  if (bytes > ceiling) process.exitCode = 1
}

heading('Size: minified and gzipped, oauth4webapi included')
for (const name of Object.keys(sizeBudgets) as (keyof typeof sizeBudgets)[]) {
  print(name, await measureSize(process.cwd(), name))
}
heading('Size that one more import adds to the main job')
for (const name of Object.keys(additionBudgets) as (keyof typeof additionBudgets)[]) {
  print(`${name}()`, await measureAddition(process.cwd(), name))
}
