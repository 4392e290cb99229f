// Steps through a chain, and counts the steps whose path or descriptor belongs to another directory.
import * as fs from 'node:fs'

import { fwalk } from 'fdkit'

import { answer, args, countFds } from '../context.mjs'

const [top, depth, inodesFile, options] = args
const inodes = JSON.parse(fs.readFileSync(inodesFile, 'utf8'))
const errors = []
let steps = 0
let wrong = 0
let most = 0
const before = countFds()
for (const [dirpath, dirnames, , dirfd] of fwalk(top, { ...options, onerror: (e) => errors.push(e) })) {
  const level = options.topdown === false ? depth - steps : steps
  const length = top.length + 2 * level
  if (fs.fstatSync(dirfd).ino !== inodes[level] || dirpath.length !== length) wrong += 1
  if (dirnames.length !== (level < depth ? 1 : 0)) wrong += 1
  if (level === depth && String(dirpath) !== top + '/d'.repeat(depth)) wrong += 1
  if (steps % 1000 === 0) most = Math.max(most, countFds() - before)
  steps += 1
}
answer({ steps, wrong, most, errors, left: countFds() - before })
