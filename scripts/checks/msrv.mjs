// Checks the minimum Rust version of Cargo.toml. Clippy's incompatible_msrv finds newer functions
// of the standard library. This script checks the dependencies, and compiles with that version if
// rustup has it.
import { execFileSync, spawnSync } from 'node:child_process'

import { step } from '../run.mjs'

const output = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })

const { packages } = JSON.parse(output('cargo', 'metadata', '--format-version', '1', '--locked'))
const minimum = packages.find(({ name }) => name === 'fdkit').rust_version
const parts = (version) => version.split('.').map(Number)
const isNewer = (version) => {
  const [a, b] = [parts(version), parts(minimum)]
  const at = a.findIndex((part, index) => part !== (b[index] ?? 0))
  return at !== -1 && a[at] > (b[at] ?? 0)
}

const newer = packages.filter(({ rust_version: version }) => version !== null && isNewer(version))
for (const { name, version, rust_version: needed } of newer) {
  console.error(`${name} ${version} needs Rust ${needed}, and Cargo.toml declares ${minimum}`)
}
if (newer.length > 0) process.exit(1)

const { stdout, error } = spawnSync('rustup', ['toolchain', 'list'], { encoding: 'utf8' })
const toolchain = error ? undefined : stdout.split('\n').find((line) => line.startsWith(`${minimum}`))
if (toolchain === undefined) {
  console.log(
    `Rust ${minimum} is not installed (rustup toolchain install ${minimum}): only dependencies were checked`,
  )
} else {
  step('cargo', `+${minimum}`, 'check', '--workspace', '--locked', '--target-dir', 'target/msrv')
}
