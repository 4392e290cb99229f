// Installs the other runtimes that the tests run on into build/runtimes, from the npm registry.
// They take about 800 MB, so only CI installs them by default. Without them, the tests that need
// them are skipped.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'

import { pause, status } from './run.mjs'

const { arch } = process
const bunArch = arch === 'arm64' ? 'aarch64' : arch

/** The versions of Node.js that are tested. */
export const nodes = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' }

/** The names of the runtimes, and the npm packages that contain them. */
const packages = {
  ...Object.fromEntries(
    Object.entries(nodes).map(([major, version]) => [`node-${major}`, `node-linux-${arch}@${version}`]),
  ),
  bun: `@oven/bun-linux-${bunArch}@1.4.5`,
  deno: `@deno/linux-${arch}-glibc@2.9.6`,
}

/** Versions that fdkit refuses to run on. */
const refused = { 'node-18': '18.20.8', 'node-20.10': '20.10.0', 'node-22.5': '22.5.1' }
for (const [name, version] of Object.entries(refused)) packages[name] = `node-linux-${arch}@${version}`

const ATTEMPTS = 4
const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']

/**
 * Installs npm packages into a folder of their own. If the registry fails once, it is asked again.
 */
export function installAlone(directory, ...specifiers) {
  if (existsSync(`${directory}/node_modules/.package-lock.json`)) return
  for (let attempt = 1; ; attempt++) {
    mkdirSync(directory, { recursive: true })
    const code = status(2, 'npm', 'install', '--prefix', directory, ...quietly, ...specifiers)
    if (code === 0) return
    rmSync(directory, { recursive: true, force: true })
    if (attempt === ATTEMPTS) process.exit(code)
    pause(5 * attempt)
  }
}

/**
 * Installs the runtimes that are missing. The version of this Node.js is installed already, so it is left out
 * unless the tests run on another one.
 */
export function installRuntimes({ own = false } = {}) {
  for (const [name, specifier] of Object.entries(packages)) {
    if (!own && name === `node-${process.versions.node.split('.', 1)[0]}`) continue
    installAlone(`build/runtimes/${name}`, specifier)
  }
}

/** Installs the tools of __test__/package/bundlers.spec.ts in the versions of their lock file. */
function installBundlers() {
  const directory = 'build/bundlers'
  mkdirSync(directory, { recursive: true })
  const files = ['package.json', 'package-lock.json']
  const isCurrent = ([from, to]) => existsSync(to) && readFileSync(from, 'utf8') === readFileSync(to, 'utf8')
  const pairs = files.map((name) => [`__test__/bundlers/${name}`, `${directory}/${name}`])
  if (existsSync(`${directory}/node_modules/.package-lock.json`) && pairs.every(isCurrent)) return
  for (const [from, to] of pairs) copyFileSync(from, to)
  for (let attempt = 1; ; attempt++) {
    const code = status(2, 'npm', 'ci', '--prefix', directory, ...quietly)
    if (code === 0) return
    if (attempt === ATTEMPTS) process.exit(code)
    pause(5 * attempt)
  }
}

if (process.argv[1] === import.meta.filename) {
  installRuntimes()
  installBundlers()
  installAlone('build/managers', 'pnpm@12.4.2', 'yarn@1.22.22', '@yarnpkg/cli-dist@4.18.1')
}
