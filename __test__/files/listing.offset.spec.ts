// Tests concurrent listings of one descriptor by a user who may read the directory but not search it.
import * as fs from 'node:fs'

import { child } from '../helpers/child.js'
import { missing, notLinux, notRoot, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const NAMES = 3000

// Without /proc a directory that is not searchable cannot be reopened.
const hidden = `set -- unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$@"`
const places: [title: string, shell: string, lacks: string | false][] = [
  ['the directory is reopened through /proc', ':', false],
  ['without /proc, they run one after the other', hidden, missing('unshare')],
]

for (const [title, shell, lacks] of places) {
  unless(notLinux || notRoot || lacks)(`concurrent listings are complete: ${title}`, (t) => {
    const top = makeTree(t)
    for (let i = 0; i < NAMES; i++) fs.closeSync(fs.openSync(`${top}/${`${i}`.padStart(60, '-')}`, 'w'))
    fs.chmodSync(top, 0o744)
    const seen = child<{ lengths: number[]; names: number }>('files/list-concurrently.mjs', {
      args: [top],
      shell,
    })
    t.is(seen.lengths.length, 100)
    t.deepEqual(
      seen.lengths.filter((length) => length !== NAMES),
      [],
    )
    t.is(seen.names, NAMES)
  })
}
