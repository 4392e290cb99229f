// Lists a directory many times at once, as a user who may not search it.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'
import { listdir, scandir } from 'fdkit'
import * as promises from 'fdkit/promises'

import { answer, args, nobody } from '../context.mjs'

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
answer({ lengths, names: new Set(listdir(fd)).size })
