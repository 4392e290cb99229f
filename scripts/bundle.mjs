// The JavaScript in as few files as can be, since every file costs half a millisecond at import,
// and each entry's public types in one file, since that is what people read.
import { readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'

import { bundleTypes } from './types.mjs'

const entries = ['index', 'promises']

/** What is made last: as old as it is, so old is all the rest. */
export const bundled = `dist/${entries.at(-1)}.js`

// An import statement has Node list all that a built-in module exports, which takes 1 to 2 ms in all.
function fetchBuiltins(path) {
  const text = readFileSync(path, 'utf8').replace(
    /^import \{ ([^}]*) \} from "(node:[^"]+)";$/gm,
    (_, names, name) => `const { ${names.replaceAll(' as ', ': ')} } = process.getBuiltinModule("${name}");`,
  )
  writeFileSync(path, text)
}

export async function bundle() {
  const started = new Date()
  const { build } = await import('esbuild')
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  const built = 'build/dist'
  rmSync(built, { recursive: true, force: true })
  await build({
    entryPoints: entries.map((entry) => `${entry}.ts`),
    bundle: true,
    // What two entries share, such as the audit hooks, must exist once.
    splitting: true,
    chunkNames: 'shared',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outdir: built,
    define: { FDKIT_VERSION: JSON.stringify(version) },
  })
  for (const file of readdirSync(built)) fetchBuiltins(`${built}/${file}`)
  bundleTypes(entries)
  // It gets to its place whole, and dated so that sources edited meanwhile are newer.
  for (const entry of entries) utimesSync(`${built}/${entry}.js`, started, started)
  rmSync('dist', { recursive: true, force: true })
  renameSync(built, 'dist')
}

if (process.argv[1] === import.meta.filename) await bundle()
