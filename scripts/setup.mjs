// Sets up a clone so that everything runs: dependencies, addon, JavaScript. Builds what is missing
// or stale; with --force, it always builds the last two. It requires Node, npm and cargo.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { buildAddon } from './addon.mjs'
import { addonPath, platformName } from './platform.mjs'
import { runAgain } from './run.mjs'

const force = process.argv.includes('--force')

/**
 * Returns the time of the last change below the paths. The date of a directory changes when a file
 * is removed.
 */
function newest(...paths) {
  const times = paths.filter(existsSync).map((path) => {
    const stats = statSync(path)
    if (!stats.isDirectory()) return stats.mtimeMs
    return Math.max(stats.mtimeMs, newest(...readdirSync(path).map((name) => join(path, name))))
  })
  return Math.max(0, ...times)
}

const isStale = (product, ...sources) => newest(product) < newest(...sources)

// npm writes this file last.
if (isStale('node_modules/.package-lock.json', 'package-lock.json')) {
  const everything = ['--include=dev', '--include=optional', '--ignore-scripts']
  runAgain('npm', 'ci', ...everything, '--no-audit', '--no-fund', '--loglevel=error')
}

// If there is no addon for the platform (on Windows), the rest is set up anyway.
const hasAddon = existsSync(`npm/${platformName()}`)
if (hasAddon && (force || isStale(addonPath(), 'crates', 'Cargo.toml', 'Cargo.lock'))) {
  if (spawnSync('cargo', ['--version']).status !== 0) {
    console.error('fdkit is built with cargo, which is not on the PATH.')
    console.error('Get it from https://rustup.rs, or as the package "cargo" of your system (1.88 or later).')
    process.exit(1)
  }
  buildAddon(platformName())
}

// Imported only now, since it needs packages that may just have been installed.
const { bundle, bundled } = await import('./bundle.mjs')
const sources = ['index.ts', 'promises.ts', 'lib', 'cli', 'tsconfig.json']
const scripts = ['bundle', 'types', 'types-example'].map((name) => `scripts/${name}.mjs`)
const builders = ['package.json', 'package-lock.json', ...scripts]
if (force || isStale(bundled, ...sources, ...builders)) await bundle()
