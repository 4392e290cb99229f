// Brings the other runtimes that the tests run on, to build/runtimes, from the npm registry. It takes
// some 800 MB, so that only CI does it unasked; without them the tests that need one are skipped.
import { existsSync, mkdirSync, rmSync } from 'node:fs'

import { status } from './run.mjs'

const { arch } = process
const bunArch = arch === 'arm64' ? 'aarch64' : arch

/** The versions of Node.js that are tested. */
export const nodes = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' }

/** Name, and the package that has it. */
const packages = {
  ...Object.fromEntries(
    Object.entries(nodes).map(([major, version]) => [`node-${major}`, `node-linux-${arch}@${version}`]),
  ),
  bun: `@oven/bun-linux-${bunArch}@1.4.5`,
  deno: `@deno/linux-${arch}-glibc@2.9.6`,
}

const ATTEMPTS = 4

/** Installs a package of npm into a folder of its own. A registry that fails once is asked again. */
export function installAlone(directory, ...specifiers) {
  if (existsSync(`${directory}/node_modules/.package-lock.json`)) return
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  for (let attempt = 1; ; attempt++) {
    mkdirSync(directory, { recursive: true })
    const code = status(2, 'npm', 'install', '--prefix', directory, ...quietly, ...specifiers)
    if (code === 0) return
    rmSync(directory, { recursive: true, force: true })
    if (attempt === ATTEMPTS) process.exit(code)
  }
}

export function installRuntimes() {
  for (const [name, specifier] of Object.entries(packages)) {
    // The one that the tests themselves run on is there.
    if (name === `node-${process.versions.node.split('.', 1)[0]}`) continue
    installAlone(`build/runtimes/${name}`, specifier)
  }
}

if (process.argv[1] === import.meta.filename) installRuntimes()
