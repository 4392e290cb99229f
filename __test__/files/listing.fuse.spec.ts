// Tests listings on a FUSE file system that gives every name the same offset.
import { child } from '../helpers/child.js'
import { noFuse, serving } from '../helpers/fuse.js'
import { patience } from '../helpers/patience.js'
import { unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const NAMES = 20
const script = 'files/list-in-every-way.mjs'

// ext4 gives the greatest offset only to the last name of a directory.
for (const offset of [2n ** 63n - 1n, 1n]) {
  unless(noFuse)(`all names are listed if the server sends the offset ${offset} with each of them`, (t) => {
    const top = makeTree(t)
    const options = { args: [top], ...serving(top, NAMES, offset), timeout: patience(60_000) }
    t.deepEqual(
      child<number[]>(script, options),
      Array.from({ length: 5 }, () => NAMES),
    )
  })
}
