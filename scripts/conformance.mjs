// Which requirements are proved, and by which tests: reads the names of the tests and test/conformance/rows.json, and writes docs/conformance.md.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
export const document = join(root, 'docs/conformance.md')

const chapters = [
  [
    'The client',
    'What the specifications ask of a client. Rows that begin with C.',
    /^C-/,
    ['row', 'level', 'demand', 'source'],
  ],
  [
    'The reference server',
    'What `pkce-client/testing` enforces, so that a client which passes against it has proved something. Rows that begin with S.',
    /^S-/,
    ['row', 'level', 'demand', 'source'],
  ],
  ['Attacks', 'What must not work. Rows that begin with A.', /^A-/, ['row', 'attack']],
  [
    'What oauth4webapi leaves to its callers',
    'Checks that the library underneath does not make, and this one does.',
    /^G/,
    ['row', 'gap'],
  ],
  [
    'OpenID conformance modules for relying parties',
    'The modules of the OpenID Foundation’s suite for clients, each played by the reference server under its official name. It is not a certification: that takes a run of the suite itself.',
    /^oidcc-/,
    ['module', 'plan', 'demand'],
  ],
]

/** IDs as they stand in the name of a test, with ranges such as `A-62 to A-65`. */
export function idsIn(name) {
  const rows = [...name.matchAll(/\b([CSA])-(\d+)(?: to \1-(\d+))?\b/g)].flatMap(
    ([, kind, first, last = first]) =>
      Array.from(
        { length: Math.max(last - first + 1, 0) },
        (_, i) => `${kind}-${String(Number(first) + i).padStart(2, '0')}`,
      ),
  )
  const others = name.match(/\bG\d+\b|\boidcc-client-[\w-]+/g) ?? []
  return [...rows, ...others]
}

/**
 * The names of the tests in a source file, each as the list of its titles, outermost first. Of a table, every text in it
 * that has an ID gives one name.
 */
export function testNames(text) {
  const names = []
  const source = ts.createSourceFile('x.tsx', text, ts.ScriptTarget.Latest, true)
  const visit = (node, titles) => {
    const found = ts.isCallExpression(node) ? titlesOf(node) : undefined
    if (!found) {
      ts.forEachChild(node, (child) => visit(child, titles))
      return
    }
    for (const title of found.titles) {
      if (found.isTest) names.push([...titles, title])
      else node.arguments.forEach((child) => visit(child, [...titles, title]))
    }
  }
  visit(source, [])
  return names
}

function titlesOf({ expression: callee, arguments: [first] }) {
  const table =
    ts.isCallExpression(callee) && ts.isPropertyAccessExpression(callee.expression)
      ? callee.arguments[0]
      : undefined
  const name = (table ? callee.expression.expression : callee).getText()
  // What is skipped proves nothing, and neither does what is in it.
  if (/^(?:describe|test|it)\.(?:skip|todo)/.test(name)) return { isTest: true, titles: [] }
  if (!/^(?:describe|test|it)$/.test(name) || !first) return undefined
  const title = first.text ?? first.getText().slice(1, -1)
  const cells = table && ts.isIdentifier(table) ? valueOf(table.text, table.getSourceFile()) : table
  const withIds = cells ? texts(cells).filter((text) => idsIn(text).length > 0) : []
  return {
    isTest: name !== 'describe',
    titles:
      withIds.length > 0 ? withIds.map((text) => title.replace(/\$\w+|%\w/, () => text)) : [title],
  }
}

function texts(node) {
  if (ts.isStringLiteralLike(node)) return [node.text]
  const found = []
  ts.forEachChild(node, (child) => void found.push(...texts(child)))
  return found
}

/** What the variable of a file was given. */
function valueOf(name, node) {
  if (ts.isVariableDeclaration(node) && node.name.getText() === name) return node.initializer
  return ts.forEachChild(node, (child) => valueOf(name, child))
}

/** Which tests name which ID: by ID, what to look for in which file. */
export function evidence(files) {
  const proofs = new Map()
  for (const [file, text] of files) {
    for (const titles of testNames(text)) {
      titles.forEach((title, depth) => {
        for (const id of idsIn(title)) {
          const known = proofs.get(id) ?? new Map()
          const name = titles.slice(0, depth + 1).join(' › ')
          proofs.set(id, known.set(`${file} ${name}`, { file, name }))
        }
      })
    }
  }
  return new Map([...proofs].map(([id, known]) => [id, [...known.values()]]))
}

/** What a reviewer would object to. */
export function problems({ rows, notApplicable, planned, differently }, proofs) {
  const found = []
  const listed = [...Object.keys(notApplicable), ...Object.keys(planned)]
  for (const id of Object.keys(rows)) {
    const times = listed.filter((one) => one === id).length
    if (times > 1) found.push(`${id} is listed twice`)
    else if (times === 1 && proofs.has(id)) found.push(`${id} is listed, but a test proves it`)
    else if (times === 0 && !proofs.has(id)) found.push(`${id} is neither proved nor listed`)
  }
  for (const id of [...proofs.keys(), ...listed, ...Object.keys(differently)]) {
    if (!(id in rows)) found.push(`${id} does not exist`)
  }
  for (const [id, feature] of Object.entries(planned)) {
    if (!['PAR', 'DPoP', 'step-up', 'server mode'].includes(feature))
      found.push(`${id} cannot be planned`)
  }
  return found
}

export function numbers({ rows, notApplicable, planned }) {
  const isRow = (id) => /^[CSA]-/.test(id)
  const [all, not, later] = [rows, notApplicable, planned].map(
    (list) => Object.keys(list).filter(isRow).length,
  )
  return `${all - not - later} rows proved, ${not} not applicable, ${later} planned`
}

export function render(data, proofs) {
  const { rows, notApplicable, planned, differently } = data
  const status = (id) => {
    if (id in notApplicable) return `not applicable: ${notApplicable[id]}`
    if (id in planned) return `planned, with ${planned[id]}`
    const tests = (proofs.get(id) ?? []).map(
      ({ file, name }) => `[${file.replace(/\.test\.tsx?$/, '')}](../test/${file}): ${name}`,
    )
    return [id in differently ? `differently: ${differently[id]}` : 'proved', ...tests].join('<br>')
  }
  const line = (cells) => `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`
  const lines = [
    '# Conformance',
    '',
    'Which requirements this package meets, and the tests that prove it. Written by `npm run conformance` from the names of the tests; a test',
    'fails when it is out of date, when a row is neither proved nor explained, and when a test names a row that does not exist.',
    'To run the proof of one row: `npx vitest run -t C-22`.',
    '',
    `${numbers(data)}.`,
  ]
  for (const [title, about, pattern, columns] of chapters) {
    lines.push('', `## ${title}`, '', about, '')
    lines.push(line([...columns, 'status']), line([...columns, ''].map(() => '---')))
    for (const [id, facts] of Object.entries(rows)) {
      if (pattern.test(id)) lines.push(line([id, ...facts, status(id)]))
    }
  }
  return `${lines.join('\n')}\n`.replace(/</g, (mark, at, all) =>
    all.startsWith('<br>', at) ? mark : '&lt;',
  )
}

/** Everything there is to know, as the files say now. */
export function conformance() {
  const data = JSON.parse(readFileSync(join(root, 'test/conformance/rows.json'), 'utf8'))
  const files = readdirSync(join(root, 'test'), { recursive: true })
    .map((file) => file.replaceAll('\\', '/'))
    // The test of the matrix has made-up rows.
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('matrix.test.ts'))
    .sort()
    .map((file) => [file, readFileSync(join(root, 'test', file), 'utf8')])
  const proofs = evidence(files)
  return {
    data,
    proofs,
    problems: problems(data, proofs),
    numbers: numbers(data),
    text: render(data, proofs),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = conformance()
  writeFileSync(document, found.text)
  found.problems.forEach((problem) => console.error(problem))
  console.log(found.numbers)
  process.exitCode = found.problems.length > 0 ? 1 : 0
}
