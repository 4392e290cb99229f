// Builds the addon into its package below npm/, and with it lib/runtime/binding.d.ts. Run as a program it
// builds for other platforms: node scripts/addon.mjs x86_64-unknown-linux-musl --cross-compile
import { renameSync, rmSync, utimesSync } from 'node:fs'
import { basename } from 'node:path'

import { addonPath } from './platform.mjs'
import { replaceFile, runScript } from './run.mjs'

export function buildAddon(platform, ...options) {
  const started = new Date()
  const built = 'build/addon'
  rmSync(built, { recursive: true, force: true })
  const paths = ['--manifest-path', 'crates/binding/Cargo.toml', '--package-json-path', 'package.json']
  const outputs = ['--output-dir', built, '--dts', 'binding.d.ts']
  const flags = ['--platform', '--release', '--no-js', ...options]
  runScript('@napi-rs/cli/dist/cli.js', 'build', ...flags, ...paths, ...outputs)
  replaceFile('lib/runtime/binding.d.ts', `${built}/binding.d.ts`)
  // It gets to its place whole, and dated so that sources edited meanwhile are newer.
  const addon = `${built}/${basename(addonPath(platform))}`
  utimesSync(addon, started, started)
  renameSync(addon, addonPath(platform))
}

if (process.argv[1] === import.meta.filename) {
  const [target, ...options] = process.argv.slice(2)
  const { parseTriple } = await import('@napi-rs/cli')
  buildAddon(parseTriple(target).platformArchABI, '--target', target, ...options)
}
