// Drops Memfds, and waits until the collector has closed them.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const count = () =>
  fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return fs.readlinkSync('/proc/self/fd/' + fd).includes('memfd:abandoned')
    } catch {
      return false
    }
  }).length
const kept = fdkit.Memfd.create('abandoned')
for (let i = 0; i < 50; i++) fdkit.Memfd.create('abandoned', { size: 4096 }).map()
const most = count()
for (let round = 0; round < 50 && count() > 1; round++) {
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, 5))
}
answer([most, count(), kept.size])
