// Creates, maps, unmaps and closes memory files in a process of its own, and prints what they leave
// behind.
import { readdirSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

import { getpagesize, Memfd } from 'fdkit'

const FILES = 100_000
const WARMUP = 2_000

/** The number of memory files, and the number of those between two turns of the event loop. */
const [times = 1, perTurn = FILES] = process.argv.slice(2).map(Number)

/** The resources of a process. */
export interface Left {
  fds: number
  mappings: number
  bytes: number
}

function has(): Left {
  const fds = readdirSync('/proc/self/fd').length
  const mappings = readFileSync('/proc/self/maps', 'utf8').split('/memfd:').length - 1
  return { fds, mappings, bytes: process.memoryUsage.rss() }
}

async function use(files: number): Promise<void> {
  const size = getpagesize()
  for (let file = 0; file < files; file++) {
    const memfd = Memfd.create('bench', { size })
    const buffer = memfd.map()
    new Uint8Array(buffer)[file % size] = 1
    memfd.unmap(buffer)
    memfd.close()
    if (file % perTurn === perTurn - 1) await setImmediate()
  }
  await setImmediate()
}

/** The resources that the process has in addition to those at the start, after each round. */
const left: Left[] = []
await use(WARMUP)
let before = has()
for (let time = 0; time < times; time++) {
  await use(FILES)
  const after = has()
  left.push({
    fds: after.fds - before.fds,
    mappings: after.mappings - before.mappings,
    bytes: after.bytes - before.bytes,
  })
  before = after
}
console.log(JSON.stringify(left))
