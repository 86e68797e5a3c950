import ts from 'typescript'
import { root } from './markdown.ts'
import type { Snippet } from './markdown.ts'

/** What an app's tsconfig says, and where the package is that its code imports by name. */
const { options } = ts.parseJsonConfigFileContent(
  {
    extends: './tsconfig.test.json',
    compilerOptions: {
      paths: {
        'pkce-client': ['./src/index.ts'],
        'pkce-client/devtools': ['./src/devtools/index.ts'],
        'pkce-client/node': ['./src/node/index.ts'],
        'pkce-client/server': ['./src/server/index.ts'],
        'pkce-client/testing': ['./src/testing/index.ts'],
        '@playwright/test': ['./test/docs/playwright-test.ts'],
        '@capacitor/app': ['./test/docs/capacitor.ts'],
        '@capacitor/browser': ['./test/docs/capacitor.ts'],
        electron: ['./test/docs/electron.ts'],
        '@angular/router': ['./test/docs/angular-router.ts'],
        'better-sqlite3': ['./test/docs/better-sqlite3.ts'],
        'next/navigation': ['./test/docs/next-navigation.ts'],
        'next/headers': ['./test/docs/next-headers.ts'],
        'next/server': ['./test/docs/next-server.ts'],
      },
      noUnusedLocals: false,
    },
    files: [],
  },
  ts.sys,
  root,
  undefined,
  `${root}/tsconfig.docs.json`,
)

/** Type-checks snippets as if they were files of an app, and gives each one's complaints as `document:line: message`. */
export function typeCheck(snippets: readonly Snippet[]): Map<Snippet, string[]> {
  const files = new Map(snippets.map((snippet) => [pathOf(snippet), snippet]))
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, directoryExists } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.readFile = (path) => (files.has(path) ? sourceOf(files.get(path)!) : readFile(path))
  host.directoryExists = (path) =>
    [...files.keys()].some((file) => file.startsWith(path)) || directoryExists!(path)
  const getSourceFile = host.getSourceFile.bind(host)
  host.getSourceFile = (path, version, ...rest) =>
    files.has(path)
      ? ts.createSourceFile(path, sourceOf(files.get(path)!), version)
      : getSourceFile(path, version, ...rest)
  const program = ts.createProgram([...files.keys(), `${root}/examples/env.d.ts`], options, host)
  return new Map(
    [...files].map(([path, snippet]) => {
      const file = program.getSourceFile(path)
      const found = [
        ...program.getSyntacticDiagnostics(file),
        ...program.getSemanticDiagnostics(file),
      ]
      return [snippet, found.map((diagnostic) => complaint(snippet, diagnostic))]
    }),
  )
}

/** JavaScript whose imports are calls of `require`, and which may await at the top. */
export function toScript({ name, code }: Snippet): string {
  return ts.transpileModule(code, {
    fileName: name,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
      jsx: ts.JsxEmit.ReactJSX,
      esModuleInterop: true,
    },
  }).outputText
}

function pathOf({ document, name }: Snippet): string {
  return `${root}/test/docs/snippets/${document.replace(/\W/g, '-')}/${name}`
}

/** Everything is a module, so that names do not meet. */
function sourceOf({ code }: Snippet): string {
  return `${code}\nexport {}\n`
}

function complaint(snippet: Snippet, { file, start, messageText }: ts.Diagnostic): string {
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : 0
  const message = ts.flattenDiagnosticMessageText(messageText, '\n')
  return `${snippet.document}:${snippet.line + line}: ${message}`
}
