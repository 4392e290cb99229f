// @ts-check
// Prints the 20 largest directories of a tree, each with everything below it, and the total.
//
//   node examples/du.mjs DIR
//
// The tree is read on several threads, and none of its other names becomes a JavaScript string.
// `npx fdkit du` prints the same, with progress, options, and names that cannot trick a terminal.
import { diskUsage } from 'fdkit'

const top = process.argv[2] ?? '.'

/** @param {number} bytes */
const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`.padStart(12)

const { bytes, files, largest } = diskUsage(top, {
  largest: 20,
  onerror(error) {
    console.error(error.message)
    process.exitCode = 1
  },
})
for (const directory of largest) console.log(mebibytes(directory.bytes), directory.path)
console.log(mebibytes(bytes), `in ${files} files`)
