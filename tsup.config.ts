import { defineConfig, type Options } from 'tsup'

const shared: Options = {
  target: 'es2022',
  platform: 'neutral',
  // Bundlers for browsers leave `node:http` alone, and fail on `http`.
  removeNodeProtocol: false,
  outDir: 'dist',
  treeshake: false,
  splitting: false,
}

// tsup's declaration build passes a baseUrl of its own, which TypeScript 6 only accepts with this.
const compilerOptions = { ignoreDeprecations: '6.0' }

const sdk: Options = { ...shared, entry: { index: 'src/index.ts' }, dts: { compilerOptions } }

const inNode: Options = {
  ...shared,
  format: ['esm', 'cjs'],
  external: [/^node:/],
  // Inside, these use Node's types; their declarations do not mention them.
  dts: { compilerOptions: { ...compilerOptions, types: ['node'] } },
}

export default defineConfig([
  { ...sdk, format: 'esm' },
  // oauth4webapi is ESM only, so the CommonJS build carries it.
  { ...sdk, format: 'cjs', noExternal: ['oauth4webapi'] },
  {
    ...shared,
    entry: { 'pkce-client': 'src/index.ts' },
    format: 'iife',
    globalName: 'pkceClient',
    minify: true,
    // The other files are as readable as their sources.
    sourcemap: true,
    noExternal: ['oauth4webapi'],
    outExtension: () => ({ js: '.iife.js' }),
  },
  // With Lit inside, which is evaluated when the panel is shown: it reads the document.
  {
    ...shared,
    entry: { devtools: 'src/devtools/index.ts' },
    format: ['esm', 'cjs'],
    dts: { compilerOptions },
  },
  // One by one, so that each has declarations of its own. CommonJS builds carry oauth4webapi, which is ESM only.
  { ...shared, entry: { server: 'src/server/index.ts' }, format: 'esm', dts: { compilerOptions } },
  {
    ...shared,
    entry: { server: 'src/server/index.ts' },
    format: 'cjs',
    noExternal: ['oauth4webapi'],
    dts: { compilerOptions },
  },
  { ...inNode, entry: { node: 'src/node/index.ts' } },
  { ...inNode, entry: { testing: 'src/testing/index.ts' } },
])
