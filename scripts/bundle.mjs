// The JavaScript in one file, since every file costs half a millisecond at import, and each entry's
// public types in one file, since that is what people read.
import { readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'

import { bundleTypes } from './types.mjs'

const entries = ['index', 'promises']

// What index.js is made of. The version is looked at before anything is used that an old Node.js lacks.
// The audit hooks and the symbols must exist once, so promises.js takes all from index.js.
const everything = `
import './lib/runtime/node-version.ts'
export * from './index.ts'
export * as promises from './promises.ts'`

const promisesTypes = `
/** What \`fdkit/promises\` exports, as \`promises\` of \`node:fs\` is what \`node:fs/promises\` exports. */
export * as promises from './promises.js';
`

/** What is made last: as old as it is, so old is all the rest. */
export const bundled = `dist/${entries.at(-1)}.js`

/**
 * An import statement makes Node list everything that a built-in module exports, which takes 5 ms in
 * all. Only `createRequire` is imported, because bundlers look for that; it costs nothing.
 */
function fetchBuiltins(text) {
  return text.replace(/^import \{ ([^}]*) \} from "(node:[^"]+)";$/gm, (statement, names, name) => {
    if (name === 'node:module') return statement
    return `const { ${names.replaceAll(' as ', ': ')} } = process.getBuiltinModule("${name}");`
  })
}

/** What an entry exports, apart from types. */
async function exportsOf(build, entry) {
  const options = { bundle: true, write: false, metafile: true, platform: 'node', format: 'esm' }
  const { metafile } = await build({ entryPoints: [entry], outfile: 'unused.js', ...options })
  return metafile.outputs['unused.js'].exports
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
    // It would leave out node-version, which exports nothing.
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
  bundleTypes(entries, promisesTypes)
  // It gets to its place whole, and dated so that sources edited meanwhile are newer.
  for (const entry of entries) utimesSync(`${built}/${entry}.js`, started, started)
  rmSync('dist', { recursive: true, force: true })
  renameSync(built, 'dist')
}

if (process.argv[1] === import.meta.filename) await bundle()
