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
    const seen = child<{ lengths: number[]; names: number }>(
      `
      const { listdir, scandir } = await import('fdkit')
      const promises = await import('fdkit/promises')
      await promises.listdir('/')
      nobody()
      const fd = fs.openSync(args[0], 'r')
      const copy = fdkit.dup(fd)
      const lengths = []
      for (let round = 0; round < 10; round++) {
        const pending = []
        for (let i = 0; i < 4; i++) {
          pending.push(promises.listdir(i % 2 ? fd : copy), promises.scandir(i % 2 ? copy : fd))
        }
        // The main thread lists at the same time.
        lengths.push(listdir(fd).length, [...scandir(copy)].length)
        for (const list of await Promise.all(pending)) lengths.push(list.length)
      }
      answer({ lengths, names: new Set(listdir(fd)).size })`,
      { args: [top], shell },
    )
    t.is(seen.lengths.length, 100)
    t.deepEqual(
      seen.lengths.filter((length) => length !== NAMES),
      [],
    )
    t.is(seen.names, NAMES)
  })
}
