// Drops buffers of a Memfd, and counts the mappings that are left.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const count = () => fs.readFileSync('/proc/self/maps', 'latin1').split('/memfd:kept').length - 1
const memfd = fdkit.Memfd.create('kept', { size: 4096 })
const kept = [memfd.map()]
for (let time = 0; time < 1000; time++) memfd.map()
kept.push(memfd.map())
for (let time = 0; time < 5; time++) {
  await new Promise((resolve) => setTimeout(resolve, 1))
  globalThis.gc?.()
}
await new Promise((resolve) => setTimeout(resolve, 10))
const left = count()
memfd.close()
answer([left, count(), kept.map(({ byteLength }) => byteLength)])
