// A program that waits for changes of a file by the parent process, and prints each value that it sees.
import { futexWait, Memfd } from '../../dist/index.js'
import { futexWaitAsync } from '../../dist/promises.js'

const [path, kind, wait] = process.argv.slice(2)
const fs = process.getBuiltinModule('node:fs')
const memfd = Memfd.from(fs.openSync(path, kind === 'reader' ? 'r' : 'r+'))
const words = new Int32Array(
  kind === 'shared' ? memfd.share() : memfd.map({ writable: kind === 'private' ? false : undefined }),
)
const timeout = 20_000 * Number(process.env.SLOW ?? 1)
let seen = 0
while (seen < 8) {
  const result =
    wait === 'async' ? await futexWaitAsync(words, 1, seen, { timeout }) : futexWait(words, 1, seen, timeout)
  if (result === 'timed-out') throw new Error('nobody woke it')
  // Reads the value from the view, since a wake-up may occur without a change.
  const value = Atomics.load(words, 1)
  if (value !== seen) fs.writeSync(1, `${value}\n`)
  seen = value
}
