// Brings a clone to where everything runs: dependencies, addon, JavaScript. Does what is missing
// or stale, and with --force the last two in any case. Needs Node, npm and cargo, nothing else.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { addonPath, platformName } from './platform.mjs'

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'))
const force = process.argv.includes('--force')

function run(command, ...args) {
  // Standard output stays free for what is set up.
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

function newest(...paths) {
  const times = paths.filter(existsSync).map((path) => {
    const stats = statSync(path)
    if (!stats.isDirectory()) return stats.mtimeMs
    return newest(...readdirSync(path).map((name) => join(path, name)))
  })
  return Math.max(0, ...times)
}

const isStale = (product, ...sources) => force || newest(product) < newest(...sources)

if (newest('node_modules/.package-lock.json') < newest('package-lock.json')) {
  run('npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error')
}

const hasAddon = existsSync(`npm/${platformName()}`)
if (hasAddon && isStale(addonPath(), 'crates', 'Cargo.toml', 'Cargo.lock')) {
  if (spawnSync('cargo', ['--version']).status !== 0) {
    console.error('fdkit is built with cargo, which is not on the PATH.')
    console.error('Get it from https://rustup.rs, or as the package "cargo" of your system (1.88 or later).')
    process.exit(1)
  }
  run(
    'node',
    'node_modules/@napi-rs/cli/dist/cli.js',
    ...['build', '--platform', '--release', '--no-js'],
    ...['--manifest-path', 'crates/binding/Cargo.toml', '--package-json-path', 'package.json'],
    ...['--output-dir', dirname(addonPath()), '--dts', '../../lib/binding.d.ts'],
  )
  run('touch', addonPath()) // cargo leaves an unchanged one as old as it is
}

if (isStale('dist/index.js', 'index.ts', 'lib', 'package.json')) {
  await import('./bundle.mjs')
}
