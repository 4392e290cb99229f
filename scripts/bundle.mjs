// The JavaScript in one file, since every file costs half a millisecond at import, and the public
// types in one file, since that is what people read.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { build } from 'esbuild'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

await build({
  entryPoints: ['index.ts'],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outdir: 'dist',
  define: { FDKIT_VERSION: JSON.stringify(version) },
})

const generator = 'node_modules/dts-bundle-generator/dist/bin/dts-bundle-generator.js'
execFileSync(
  process.execPath,
  [generator, '--silent', '--no-check', '--project', 'tsconfig.json', '--out-file', 'index.d.ts', 'index.ts'],
  { stdio: ['ignore', 2, 2] },
)
