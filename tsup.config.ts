import { defineConfig, type Options } from 'tsup'

const shared: Options = {
  target: 'es2022',
  platform: 'neutral',
  outDir: 'dist',
  sourcemap: true,
  treeshake: false,
  splitting: false,
}

// tsup's declaration build passes a baseUrl of its own, which TypeScript 6 only accepts with this.
const dts = { compilerOptions: { ignoreDeprecations: '6.0' } }

export default defineConfig([
  { ...shared, entry: { index: 'src/index.ts' }, format: 'esm', dts },
  // oauth4webapi is ESM only, so the CommonJS build carries it.
  { ...shared, entry: { index: 'src/index.ts' }, format: 'cjs', noExternal: ['oauth4webapi'] },
  {
    ...shared,
    entry: { 'pkce-client': 'src/index.ts' },
    format: 'iife',
    globalName: 'pkceClient',
    minify: true,
    noExternal: ['oauth4webapi'],
    outExtension: () => ({ js: '.iife.js' }),
  },
  {
    ...shared,
    entry: { testing: 'src/testing/index.ts' },
    format: ['esm', 'cjs'],
    external: [/^node:/],
    tsconfig: 'tsconfig.test.json',
    dts,
  },
])
