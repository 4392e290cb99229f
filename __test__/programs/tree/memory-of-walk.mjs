// Measures by how much a walk over a large tree grows the process.
import { fwalk } from 'fdkit'

import { answer, args } from '../context.mjs'

const [small, large] = args
const walk = (top) => {
  let entries = 0
  for (const [, dirs, files] of fwalk(top)) entries += dirs.length + files.length
  return entries
}
walk(small)
const before = process.memoryUsage.rss()
const entries = walk(large)
answer({ entries, bytes: process.memoryUsage.rss() - before })
