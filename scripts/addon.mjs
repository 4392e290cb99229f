// Builds the addon into its package below npm/, and with it lib/runtime/binding.d.ts.
import { renameSync, rmSync, utimesSync } from 'node:fs'
import { basename } from 'node:path'

import { addonPath } from './platform.mjs'
import { replaceFile, runWith } from './run.mjs'

/** The options are those of `napi build`, and the variables those of cargo and of the linker. */
export function buildAddon(platform, options = [], env = process.env) {
  const started = new Date()
  const built = 'build/addon'
  rmSync(built, { recursive: true, force: true })
  const paths = ['--manifest-path', 'crates/binding/Cargo.toml', '--package-json-path', 'package.json']
  const outputs = ['--output-dir', built, '--dts', 'binding.d.ts']
  const flags = ['--platform', '--release', '--no-js', ...options]
  const napi = 'node_modules/@napi-rs/cli/dist/cli.js'
  runWith(env, process.execPath, napi, 'build', ...flags, ...paths, ...outputs)
  replaceFile('lib/runtime/binding.d.ts', `${built}/binding.d.ts`)
  // It gets to its place whole, and dated so that sources edited meanwhile are newer.
  const addon = `${built}/${basename(addonPath(platform))}`
  utimesSync(addon, started, started)
  renameSync(addon, addonPath(platform))
}
