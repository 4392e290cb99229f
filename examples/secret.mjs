// @ts-check
// Runs a command that reads a secret from /dev/fd/3: a key, a token, a netrc. The secret is the
// standard input of this program.
//
//   pass show registry | node examples/secret.mjs cat /dev/fd/3
//
// The secret is in no file, no argument and no environment variable. Other processes of the same user
// can read it, as they can read all memory of that user's processes, and it can be swapped out.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'

import { Memfd } from 'fdkit'

/**
 * Runs the command, and exits with its status or its signal.
 *
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const secret = Memfd.create('secret', { contents: readFileSync(0) })
  // Nobody can replace the secret, including the command.
  secret.seal('write', 'shrink', 'grow')

  // In the child, a descriptor has the number of its index in `stdio`. Opening /dev/fd/3 opens the
  // file again from its start, any number of times. Reading descriptor 3 itself moves the offset,
  // which all processes share that inherited it, so the secret can be read only once that way.
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', secret.fd] })
  // The child has a descriptor of its own.
  secret.close()

  // The terminal also sends Ctrl-C to the command, which decides what happens.
  process.on('SIGINT', () => {})
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`secret: ${error.message}`)
    process.exitCode = 127
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGTERM']
    // SIGUSR1 would start the debugger of Node.js.
    if (signal === null || signal === 'SIGUSR1') return
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

const [command, ...args] = process.argv.slice(2)
if (command === undefined) {
  console.error('usage: secret COMMAND [ARGUMENT...], with the secret on standard input')
  process.exit(2)
}
try {
  run(command, args)
} catch (error) {
  console.error(`secret: ${/** @type {Error} */ (error).message}`)
  process.exitCode = 1
}
