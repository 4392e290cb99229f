// Takes all descriptors in the middle of a walk, which continues.
import * as fs from 'node:fs'

import { fwalk } from 'fdkit'

import { answer, args, countFds } from '../context.mjs'

const [top, topdown] = args
const fill = () => {
  const taken = []
  try {
    for (;;) taken.push(fs.openSync('/', 'r'))
  } catch {}
  return taken
}
const errors = []
const onerror = (error) => errors.push(error.code + ' ' + error.path)
const seen = []
const before = countFds()
let taken = 0
for (const [dirpath, , , dirfd] of fwalk(top, { topdown, onerror })) {
  const { dev, ino } = fs.fstatSync(dirfd)
  const { dev: pathDev, ino: pathIno } = fs.statSync(dirpath)
  seen.push(dirpath)
  if (dev !== pathDev || ino !== pathIno) errors.push('not ' + dirpath)
  if (taken === 0 && countFds() - before >= 20) taken = fill().length
}
answer({ seen, errors, taken })
