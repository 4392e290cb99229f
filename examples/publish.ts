// Offers standard input to every process of the same user, under a path, for as long as it lives.
//
//   date | node --import @oxc-node/core/register examples/publish.ts
//   /proc/4711/fd/17
//
// In another terminal: `cat /proc/4711/fd/17`. Who opens it there has an offset of their own, and
// can map it; and the seals tell them that it will never change.
import { readFileSync } from 'node:fs'

import { Memfd } from 'fdkit'

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
