// Prints the coverage of the tests: for the bundle in dist/ with c8, and for the Rust core with
// cargo-llvm-cov, if the toolchain has llvm-tools (`rustup component add llvm-tools`). `npm run
// coverage -- FILE…` runs only these test files.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { status, step } from './run.mjs'
import { tool } from './tools.mjs'

function llvmTools() {
  const { stdout } = spawnSync('rustc', ['--print', 'target-libdir'], { encoding: 'utf8' })
  return existsSync(join(stdout.trim(), '../bin/llvm-profdata'))
}

const files = process.argv.slice(2)
const c8 = ['node_modules/c8/bin/c8.js', '--include', 'dist/*.js', '--exclude-after-remap=false']
const output = ['--reporter', 'text', '--temp-directory', 'build/coverage', '--clean']
const javascript = status(
  'inherit',
  process.execPath,
  ...c8,
  ...output,
  'node',
  'node_modules/ava/entrypoints/cli.mjs',
  ...files,
)

if (!llvmTools()) {
  console.log('\nRust: not measured, since llvm-tools is missing (rustup component add llvm-tools)')
} else {
  step(tool('cargo-llvm-cov'), 'llvm-cov', '--package', 'fdkit', '--locked')
}
process.exit(javascript)
