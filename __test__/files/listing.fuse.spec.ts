// Directories of a file system that says little about where they end.
import { child } from '../helpers/child.js'
import { noFuse, serving } from '../helpers/fuse.js'
import { unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const NAMES = 20
const script = `
  const promises = await import('fdkit/promises')
  const fd = fs.openSync(args[0], 'r')
  const lists = [
    fdkit.listdir(args[0]),
    fdkit.listdir(fd),
    [...fdkit.scandir(args[0])],
    await promises.listdir(args[0]),
    [...fwalk(args[0])][0][2],
  ]
  answer(lists.map((list) => list.length))`

// ext4 gives the greatest offset to the last name of a directory, and only to that one.
for (const offset of [2n ** 63n - 1n, 1n]) {
  unless(noFuse)(`a server that sends the offset ${offset} with every name: all are listed`, (t) => {
    const top = makeTree(t)
    const options = { args: [top], ...serving(top, NAMES, offset), timeout: 60_000 }
    t.deepEqual(child<number[]>(script, options), Array.from({ length: 5 }, () => NAMES))
  })
}
