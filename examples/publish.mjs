// @ts-check
// Offers standard input under a path to every process of the same user, for as long as the program
// runs.
//
//   date | node examples/publish.mjs
//   /proc/4711/fd/17
//
// In another terminal: `cat /proc/4711/fd/17`. A process that opens the path gets an offset of its own
// and can map the file. The seals tell it that the contents will never change.
import { readFileSync } from 'node:fs'

import { Memfd } from 'fdkit'

function publish() {
  const memfd = Memfd.create('published', { contents: readFileSync(0) })
  memfd.seal('write', 'shrink', 'grow', 'seal')

  const stay = setInterval(() => {}, 2 ** 30)
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      clearInterval(stay)
      memfd.close()
    })
  }
  console.log(memfd.path)
}

try {
  publish()
} catch (error) {
  console.error(`publish: ${/** @type {Error} */ (error).message}`)
  process.exitCode = 1
}
