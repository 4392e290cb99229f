// Runs a program, but only if it is the one that is meant: what is started is what was hashed,
// whatever becomes of the file meanwhile.
//
//   node --import @oxc-node/core/register examples/verified.ts SHA-256 PROGRAM [ARGUMENT...]
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { Memfd } from 'fdkit'

const [expected, path, ...args] = process.argv.slice(2)
if (expected === undefined || path === undefined) {
  console.error('usage: verified SHA-256 PROGRAM [ARGUMENT...]')
  process.exit(2)
}

const program = Memfd.create('program', { contents: readFileSync(path), exec: true })
// Before it is looked at. Without seals this process could still write to it while it runs.
program.seal('write', 'shrink', 'grow', 'exec', 'seal')
const found = createHash('sha256').update(program.read()).digest('hex')
if (found !== expected) {
  console.error(`${path} is not what was expected, but ${found}`)
  process.exit(126)
}

// The path of this process, which lives on: the interpreter of a #! script opens it a second time,
// and would find no /proc/self/fd/N, as the descriptor is closed on exec.
const child = spawn(program.path, args, { argv0: path, stdio: 'inherit' })
child.on('error', (error) => {
  console.error(error.message)
  process.exitCode = 126
})
child.on('exit', (code) => {
  program.close()
  process.exitCode = code ?? 1
})
