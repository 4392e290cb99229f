// Runs a command that finds in /dev/fd/3 what comes in here: a key, a token, a netrc.
//
//   pass show registry | node --import @oxc-node/core/register examples/secret.ts cat /dev/fd/3
//
// The secret is in no file, no argument and no variable of the environment. Other processes of the
// same user can read it, as they can read all memory of that user's; swapped out it can be, too.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { Memfd } from 'fdkit'

const [command, ...args] = process.argv.slice(2)
if (command === undefined) {
  console.error('usage: secret COMMAND [ARGUMENT...], with the secret on standard input')
  process.exit(2)
}

const secret = Memfd.create('secret', { contents: readFileSync(0) })
// Nobody puts another in its place, the command included.
secret.seal('write', 'shrink', 'grow')

// In the child it has the number of its place in the list. To open /dev/fd/3 is to open the file
// anew, at its start, as often as one likes. To read descriptor 3 itself moves the offset, which
// all who have inherited it share: that gets the secret once.
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', secret.fd] })
// The child has a descriptor of its own.
secret.close()

child.on('error', (error) => {
  console.error(error.message)
  process.exitCode = 127
})
child.on('exit', (code) => {
  process.exitCode = code ?? 1
})
