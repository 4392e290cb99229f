// Brings the other runtimes that the tests run on, to build/runtimes, from the npm registry. It takes
// some 800 MB, so that only CI does it unasked; without them the tests that need one are skipped.
import { existsSync, mkdirSync } from 'node:fs'

import { run } from './run.mjs'

const { arch } = process
const bunArch = arch === 'arm64' ? 'aarch64' : arch

/** Name, and the package that has it. */
const packages = {
  'node-20': `node-linux-${arch}@20.20.2`,
  'node-22': `node-linux-${arch}@22.23.3`,
  'node-24': `node-linux-${arch}@24.21.0`,
  'node-26': `node-linux-${arch}@26.10.0`,
  bun: `@oven/bun-linux-${bunArch}@1.4.5`,
  deno: `@deno/linux-${arch}-glibc@2.9.6`,
}

for (const [name, version] of Object.entries(packages)) {
  // The one that the tests themselves run on is there.
  if (name === `node-${process.versions.node.split('.', 1)[0]}`) continue
  const directory = `build/runtimes/${name}`
  if (existsSync(`${directory}/node_modules/.package-lock.json`)) continue
  mkdirSync(directory, { recursive: true })
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  run('npm', 'install', '--prefix', directory, ...quietly, version)
}
