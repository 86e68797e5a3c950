import { basename } from 'node:path'
import ts from 'typescript'

/** What each source file of a program imports. A file that changes is another object, so this is never out of date. */
const known = new WeakMap()

/**
 * No file may import itself through others. Types count: eslint-plugin-import-x leaves them out, and a cycle of types is as
 * hard to read and to take apart as one of values.
 */
export default {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const { program } = context.sourceCode.parserServices
    const check = (node) => {
      const from = context.filename
      const to = node.source && resolve(program, { from, specifier: node.source.value })
      const path = to && shortestPath(program, { from: to, to: from })
      if (!path) return
      const names = [from, ...path].map((file) => basename(file)).join(' -> ')
      context.report({ node, message: `This import is part of a cycle: ${names}.` })
    }
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    }
  },
}

/** The files from one to the other, both included; undefined when no imports lead there. */
function shortestPath(program, { from, to }) {
  const paths = new Map([[from, [from]]])
  for (const [file, path] of paths) {
    if (file === to) return path
    for (const next of importsOf(program, file)) {
      if (!paths.has(next)) paths.set(next, [...path, next])
    }
  }
  return undefined
}

function importsOf(program, file) {
  const source = program.getSourceFile(file)
  if (!source) return []
  if (!known.has(source)) {
    const { importedFiles } = ts.preProcessFile(source.text)
    const files = importedFiles.flatMap(
      ({ fileName: specifier }) => resolve(program, { from: file, specifier }) ?? [],
    )
    known.set(source, files)
  }
  return known.get(source)
}

/** The file of this project that is imported; packages are left out. */
function resolve(program, { from, specifier }) {
  if (!/^\.\.?\//.test(specifier)) return undefined
  const { resolvedModule } = ts.resolveModuleName(
    specifier,
    from,
    program.getCompilerOptions(),
    ts.sys,
  )
  return resolvedModule?.resolvedFileName
}
