// Builds the addon into its package below npm/, and two files that describe its exports:
// lib/runtime/binding.d.ts and lib/runtime/syscalls.ts.
import { readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

import { addonPath } from './platform.mjs'
import { replaceFile, runWith } from './run.mjs'

/**
 * Returns the module that maps each export to its system call, as given by the tag `@syscall` of
 * its declaration.
 */
export function syscalls(declarations) {
  const functions = declarations.matchAll(/(?:\/\*\*((?:(?!\*\/).)*)\*\/\n)?export declare function (\w+)/gs)
  const lines = Array.from(functions, ([, doc = '', name]) => {
    const syscall = /@syscall (\w+)/.exec(doc)?.[1]
    if (syscall === undefined) throw new Error(`crates/binding: ${name} lacks the tag @syscall`)
    return `  ${name}: '${syscall}',\n`
  })
  return `// The system call of each export. Written by scripts/addon.mjs, from the tags @syscall.
export const syscalls = {
${lines.join('')}} as const
`
}

/**
 * Builds the addon of a platform. `options` are those of `napi build`, and `env` is for cargo and
 * the linker.
 */
export function buildAddon(platform, options = [], env = process.env) {
  const started = new Date()
  const built = `build/addon/${platform}`
  rmSync(built, { recursive: true, force: true })
  const paths = ['--manifest-path', 'crates/binding/Cargo.toml', '--package-json-path', 'package.json']
  const outputs = ['--output-dir', built, '--dts', 'binding.d.ts']
  const flags = ['--platform', '--release', '--no-js', ...options]
  const napi = 'node_modules/@napi-rs/cli/dist/cli.js'
  runWith(env, process.execPath, napi, 'build', ...flags, ...paths, ...outputs)
  replaceFile('lib/runtime/binding.d.ts', `${built}/binding.d.ts`)
  writeFileSync(`${built}/syscalls.ts`, syscalls(readFileSync(`${built}/binding.d.ts`, 'utf8')))
  replaceFile('lib/runtime/syscalls.ts', `${built}/syscalls.ts`)
  // The addon is moved to its place as a whole. It gets the date of the start, so that sources
  // which were edited during the build are newer.
  const addon = `${built}/${basename(addonPath(platform))}`
  utimesSync(addon, started, started)
  renameSync(addon, addonPath(platform))
}
