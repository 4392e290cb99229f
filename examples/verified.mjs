// @ts-check
// Runs a program only if it has the expected hash. The bytes that run are the bytes that were hashed,
// even if the file changes in between.
//
//   node examples/verified.mjs SHA-256 PROGRAM [ARGUMENT...]
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'

import { Memfd } from 'fdkit'

/**
 * Runs the program, and exits with its status or its signal.
 *
 * @param {string} expected
 * @param {string} path
 * @param {string[]} args
 */
function run(expected, path, args) {
  const program = Memfd.create('program', { contents: readFileSync(path), exec: true })
  // The file is sealed before it is hashed. Without the seals, this process could still write to it
  // while it runs.
  program.seal('write', 'shrink', 'grow', 'exec', 'seal')
  const found = createHash('sha256').update(program.read()).digest('hex')
  if (found !== expected) throw new Error(`${path} has another hash: ${found}`)

  // A path in this process, which outlives the start of the program: the interpreter of a #! script
  // opens the path again, when /proc/self/fd/N no longer exists, because it is closed on exec.
  const child = spawn(program.path, args, { argv0: path, stdio: 'inherit' })
  // The terminal also sends Ctrl-C to the program, which decides what happens.
  process.on('SIGINT', () => {})
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`verified: ${error.message}`)
    process.exitCode = 126
  })
  child.on('exit', (code, signal) => {
    program.close()
    process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGTERM']
    // SIGUSR1 would start the debugger of Node.js.
    if (signal === null || signal === 'SIGUSR1') return
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

const [expected, path, ...args] = process.argv.slice(2)
if (expected === undefined || path === undefined) {
  console.error('usage: verified SHA-256 PROGRAM [ARGUMENT...]')
  process.exit(2)
}
if (!/^[\da-f]{64}$/i.test(expected)) {
  console.error('verified: a SHA-256 hash has 64 hexadecimal digits')
  process.exit(2)
}
try {
  run(expected.toLowerCase(), path, args)
} catch (error) {
  console.error(`verified: ${/** @type {Error} */ (error).message}`)
  process.exitCode = 126
}
