// Bundles the JavaScript into one file, since every file costs half a millisecond at import. The
// public types of each entry also go into one file, since people read it.
import { chmodSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'

import { bundleTypes } from './types.mjs'

const entries = ['index', 'promises']

// The entry of index.js. It checks the version of Node.js before it uses anything that old versions
// lack. The audit hooks and the symbols must exist once, so promises.js re-exports everything from
// index.js.
const everything = `
import './lib/runtime/node-version.ts'
export * from './index.ts'
export * as promises from './promises.ts'`

const promisesTypes = `
/**
 * The exports of \`fdkit/promises\`, in the way that \`promises\` of \`node:fs\` has those of
 * \`node:fs/promises\`.
 */
export * as promises from './promises.js';
`

/** The last file to be built. The other files are not older than it. */
export const bundled = `dist/${entries.at(-1)}.js`

/**
 * Replaces import statements of built-in modules. Such a statement makes Node list all exports of
 * the module, which takes 5 ms in total. Only `createRequire` is imported, because bundlers look
 * for it, and it costs nothing.
 */
function fetchBuiltins(text) {
  return text.replace(/^import \{ ([^}]*) \} from "(node:[^"]+)";$/gm, (statement, names, name) => {
    if (name === 'node:module') return statement
    return `const { ${names.replaceAll(' as ', ': ')} } = process.getBuiltinModule("${name}");`
  })
}

/** Returns the names that an entry exports, without types. */
async function exportsOf(build, entry) {
  const options = { bundle: true, write: false, metafile: true, platform: 'node', format: 'esm' }
  const { metafile } = await build({ entryPoints: [entry], outfile: 'unused.js', ...options })
  return metafile.outputs['unused.js'].exports
}

/** Bundles the command `fdkit`, which uses the package beside it. */
async function bundleCommand(build, outfile, version) {
  await build({
    entryPoints: ['./cli/main.ts'],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    banner: { js: '#!/usr/bin/env node' },
    define: { FDKIT_VERSION: JSON.stringify(version) },
  })
  const text = readFileSync(outfile, 'utf8')
  writeFileSync(outfile, text.replaceAll('from "fdkit/promises"', 'from "./promises.js"'))
  chmodSync(outfile, 0o755)
}

export async function bundle() {
  const started = new Date()
  const { build } = await import('esbuild')
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  const built = 'build/dist'
  rmSync(built, { recursive: true, force: true })
  await build({
    stdin: { contents: everything, resolveDir: '.' },
    bundle: true,
    // Otherwise, it would drop node-version, which exports nothing.
    ignoreAnnotations: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile: `${built}/index.js`,
    define: { FDKIT_VERSION: JSON.stringify(version) },
  })
  writeFileSync(`${built}/index.js`, fetchBuiltins(readFileSync(`${built}/index.js`, 'utf8')))
  const names = await exportsOf(build, 'promises.ts')
  const text = `import { promises } from './index.js'\nexport const {\n  ${names.join(',\n  ')},\n} = promises\n`
  writeFileSync(`${built}/promises.js`, text)
  await bundleCommand(build, `${built}/cli.js`, version)
  bundleTypes(entries, promisesTypes)
  // The file is moved to its place as a whole. It gets the date of the start, so that sources which
  // were edited during the build are newer.
  for (const entry of entries) utimesSync(`${built}/${entry}.js`, started, started)
  rmSync('dist', { recursive: true, force: true })
  renameSync(built, 'dist')
}

if (process.argv[1] === import.meta.filename) await bundle()
