import tseslint from 'typescript-eslint'
import mayImport from './scripts/lint/may-import.js'
import noImportCycles from './scripts/lint/no-import-cycles.js'
import oldestEngines from './scripts/lint/oldest-engines.js'
import ownLines from './scripts/lint/own-lines.js'

const browserGlobals = [
  'window',
  'document',
  'navigator',
  'location',
  'history',
  'localStorage',
  'sessionStorage',
  'indexedDB',
  'BroadcastChannel',
  'addEventListener',
  'removeEventListener',
  'dispatchEvent',
  'self',
]
const timeGlobals = [
  'Date',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'performance',
]
const noBrowser = browserGlobals.map((name) => ({
  name,
  message: 'Browser globals are read in storage, tabs, host and navigation adapters only.',
}))
const noTime = timeGlobals.map((name) => ({
  name,
  message: 'Time comes from the clock port (src/clock.ts).',
}))

const noFetch = { name: 'fetch', message: 'Requests leave through the fetch that is handed in.' }

export default tseslint.config(
  {
    // The Next.js example has dependencies of its own; its build checks its types.
    ignores: ['**/dist/**', 'docs/api/**', 'coverage/**', 'examples/next/**'],
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: {
      project: {
        rules: {
          'no-import-cycles': noImportCycles,
          'oldest-engines': oldestEngines,
          'own-lines': ownLines,
        },
      },
    },
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './tsconfig.test.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports' },
      ],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      // Parts are closures, not objects with a `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      'project/no-import-cycles': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'project/own-lines': ['error', 50],
      'project/oldest-engines': 'error',
      // Two positional parameters, then an object.
      'max-params': ['error', 3],
      'no-console': 'error',
      'no-restricted-globals': ['error', ...noBrowser, ...noTime, noFetch],
      // The folders' imports are checked where they are declared.
      'no-restricted-syntax': ['error', 'ImportExpression'],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Jitter comes from the clock port.' },
        ...[...browserGlobals, ...timeGlobals].map((property) => ({
          object: 'globalThis',
          property,
          message: 'Globals of the platform are read in their adapters only.',
        })),
      ],
    },
  },
  {
    files: ['src/clock.ts', 'src/server/stopwatch.ts'],
    rules: { 'no-restricted-globals': ['error', ...noBrowser], 'no-restricted-properties': 'off' },
  },
  {
    files: ['src/{storage,tabs,host,navigation}/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...noTime],
      'no-restricted-properties': 'off',
    },
  },
  // The panel is a page of its own, and the recording asks its adapter.
  {
    files: ['src/devtools/{page,mount,element}.ts', 'src/devtools/panel/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...noTime],
      'no-restricted-properties': 'off',
    },
  },
  // Loads the panel, and Lit with it, when it is shown.
  { files: ['src/devtools/devtools.ts'], rules: { 'no-restricted-syntax': 'off' } },
  // For developers, whose browsers are new.
  { files: ['src/devtools/**/*.ts'], rules: { 'project/oldest-engines': 'off' } },
  // Back ends run in no browser.
  { files: ['src/server/**/*.ts'], rules: { 'project/oldest-engines': 'off' } },
  // The one writer of session state is one list of its changes.
  { files: ['src/session/session.ts'], rules: { 'project/own-lines': ['error', 55] } },
  // The only users of the console.
  { files: ['src/host/**/*.ts'], rules: { 'no-console': 'off' } },
  // Node's server exists for tests only, and in Node only.
  { files: ['src/testing/server/listen.ts'], rules: { 'no-restricted-syntax': 'off' } },
  // The composition root is a list of parts.
  {
    files: ['src/compose/*.ts', 'src/server/{compose,make-keeper}.ts'],
    rules: { 'project/own-lines': ['error', 120] },
  },
  {
    files: ['src/testing/**/*.ts'],
    rules: { 'project/own-lines': 'off' },
  },
  {
    files: ['src/testing/{fakes/*,person/set-cookie,server/system-clock}.ts'],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
  },
  mayImport(
    ['src/{errors,clock,events,log-events,unless-aborted}.ts'],
    ['$^'],
    'This file may import types only.',
  ),
  mayImport(
    ['src/protocol/**/*.ts'],
    ['oauth4webapi', '\\.\\./errors\\.ts', '\\./[a-z-]+\\.ts'],
    'protocol/ may import values from errors.ts, oauth4webapi and its own folder only.',
  ),
  mayImport(
    ['src/session/**/*.ts'],
    ['\\.\\./errors\\.ts', '\\.\\./clock\\.ts', '\\./[a-z-]+\\.ts'],
    'session/ may import values from errors.ts, clock.ts and its own folder only; the grant is handed in.',
  ),
  mayImport(
    ['src/{storage,tabs,host,navigation}/**/*.ts'],
    ['\\.\\./errors\\.ts', '\\.\\./clock\\.ts', '\\./[a-z-]+\\.ts'],
    'An adapter may import values from errors.ts, clock.ts and its own folder only.',
  ),
  mayImport(
    ['src/api/**/*.ts'],
    ['\\.\\./(?:errors|unless-aborted)\\.ts', '\\.\\./session/record\\.ts', '\\./[a-z-]+\\.ts'],
    'api/ may import values from errors.ts, unless-aborted.ts, session/record.ts and its own folder only; tokens, schemes and requests are handed in.',
  ),
  mayImport(
    ['src/check-options.ts'],
    ['\\./errors\\.ts'],
    'check-options.ts may import values from errors.ts only.',
  ),
  mayImport(
    ['src/options.ts'],
    ['\\./(?:errors|check-options)\\.ts', '\\./api/resources\\.ts'],
    'options.ts may import values from errors.ts, check-options.ts and api/resources.ts only.',
  ),
  mayImport(
    ['src/sign-in/**/*.ts'],
    [
      '\\.\\./(?:errors|options|check-options|unless-aborted)\\.ts',
      '\\.\\./api/resources\\.ts',
      '\\.\\./protocol/[a-z-]+\\.ts',
      '\\.\\./session/(?:exclusive|stored)\\.ts',
      '\\./[a-z-]+\\.ts',
    ],
    'sign-in/ may import values from protocol/, api/resources.ts, session/exclusive.ts, session/stored.ts and its own folder, not from adapters.',
  ),
  mayImport(
    ['src/capabilities/**/*.ts'],
    [
      '\\.\\./(?:errors|clock|options|check-options|unless-aborted)\\.ts',
      '\\.\\./api/[a-z-]+\\.ts',
      '\\.\\./(?:protocol|storage)/[a-z-]+\\.ts',
      '\\.\\./session/record\\.ts',
      '\\./[a-z-]+\\.ts',
    ],
    'A capability may import values from errors.ts, clock.ts, options.ts, api/, protocol/, storage/ and session/record.ts only.',
  ),
  mayImport(
    ['src/node/**/*.ts'],
    [
      'node:.+',
      '\\.\\./(?:errors|clock)\\.ts',
      '\\.\\./navigation/[a-z-]+\\.ts',
      '\\./[a-z-]+\\.ts',
    ],
    'node/ may import values from Node, errors.ts, clock.ts and navigation/ only.',
  ),
  mayImport(
    ['src/server/*.ts'],
    [
      '\\.\\./(?:errors|clock|events|options|check-options|unless-aborted)\\.ts',
      '\\.\\./(?:api|protocol|session|compose)/[a-z-]+\\.ts',
      '\\.\\./sign-in/return-to\\.ts',
      '\\./(?:(?:endpoints|store)/)?[a-z-]+\\.ts',
    ],
    'server/ may import values from the shared parts only: not from the browser or its adapters, nor from testing/.',
  ),
  mayImport(
    ['src/server/store/*.ts'],
    ['\\.\\./\\.\\./(?:errors|clock)\\.ts', '\\./[a-z-]+\\.ts'],
    'server/store/ may import values from errors.ts, clock.ts and its own folder only.',
  ),
  mayImport(
    ['src/server/{cookies,seal,guard,pages,node,bytes}.ts'],
    ['\\.\\./(?:errors|clock)\\.ts', '\\./bytes\\.ts'],
    'This part of server/ may import values from errors.ts, clock.ts and bytes.ts only.',
  ),
  mayImport(
    ['src/server/endpoints/*.ts'],
    [
      '\\.\\./\\.\\./(?:errors|check-options|unless-aborted)\\.ts',
      '\\.\\./\\.\\./api/resources\\.ts',
      '\\.\\./\\.\\./protocol/[a-z-]+\\.ts',
      '\\.\\./\\.\\./session/record\\.ts',
      '\\.\\./\\.\\./sign-in/(?:return-to|params|end-session|sign-out-options)\\.ts',
      '\\.\\./(?:answers|bytes|pages|sessions|visitor)\\.ts',
      '\\./[a-z-]+\\.ts',
    ],
    'An endpoint is handed its parts; it may import values from errors.ts, protocol/, and what reads and writes requests.',
  ),
  mayImport(
    ['src/devtools/*.ts'],
    [
      'lit',
      'lit/.+',
      '\\.\\./(?:clock|host/page|navigation/redirect|session/state)\\.ts',
      '\\./(?:panel/(?:styles/)?)?[a-z-]+\\.ts',
    ],
    'devtools/ may import values from Lit, clock.ts, the default host and navigator, and its own folder only: it checks the client independently.',
  ),
  mayImport(
    ['src/devtools/panel/**/*.ts'],
    [
      'lit',
      'lit/.+',
      '(?:\\.\\./)?\\.\\./(?:clock|session/state)\\.ts',
      '(?:\\.\\./)?\\.\\.?/[a-z-]+\\.ts',
      '\\./styles/[a-z-]+\\.ts',
    ],
    'The panel may import values from Lit, clock.ts and devtools/ only.',
  ),
  mayImport(
    ['src/compose/**/*.ts'],
    [
      '\\.\\./(?!index|client|devtools|node|server|testing|capabilities).+\\.ts',
      '\\./[a-z-]+\\.ts',
    ],
    'compose/ may import values from anywhere in src/ but index.ts, client.ts, devtools/, node/, server/, testing/ and capabilities/.',
  ),
  mayImport(
    ['src/client.ts'],
    [
      '\\./(?:errors|options|check-options|unless-aborted)\\.ts',
      '\\./(?:api|compose)/[a-z-]+\\.ts',
      '\\./protocol/[a-z-]+\\.ts',
    ],
    'client.ts may import values from errors.ts, the options, api/, compose/ and protocol/ only.',
  ),
  mayImport(
    ['src/back-end-session.ts', 'src/back-end/**/*.ts'],
    [
      '\\.\\.?/(?:errors|events|clock|check-options|unless-aborted)\\.ts',
      '\\.\\.?/api/(?:fetch|resources)\\.ts',
      '\\.\\.?/session/state\\.ts',
      '\\.\\.?/sign-in/(?:page-return|return-to|turns|unreported|watch-sign-out)\\.ts',
      '\\./(?:host/page|tabs/broadcast-channel)\\.ts',
      '\\./(?:back-end/)?[a-z-]+\\.ts',
    ],
    'The session of a back end has no tokens: it may import values from the shared parts only, not from protocol/.',
  ),
  mayImport(
    ['src/index.ts'],
    ['\\./(?!devtools|node|server|testing).+\\.ts'],
    'index.ts may import values from anywhere in src/ but devtools/, node/, server/ and testing/.',
  ),
  // As many steps up as the file lies deep: never out of testing/.
  ...['*', '*/*', '*/*/*'].map((depth, steps) =>
    mayImport(
      [`src/testing/${depth}.ts`],
      ['node:.+', `(?:\\./)?(?:\\.\\./){0,${steps}}(?:[a-z-]+/)*[a-z-]+\\.ts`],
      'testing/ may import values from its own folder and from Node only: it checks the SDK independently.',
    ),
  ),
  {
    files: ['test/**/*.{ts,tsx}', 'examples/**/*.{ts,tsx}', '*.config.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-misused-promises': 'off',
    },
  },
  {
    files: ['test/**/*.{ts,tsx}'],
    rules: { 'max-lines': ['error', { max: 500, skipBlankLines: false, skipComments: false }] },
  },
)
