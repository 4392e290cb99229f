// Takes all descriptors, so that a directory cannot be opened.
import * as fs from 'node:fs'

import { fwalk } from 'fdkit'

import { answer, args } from '../context.mjs'

const [top] = args
const seen = []
const taken = []
const fill = () => {
  try {
    for (;;) taken.push(fs.openSync('/', 'r'))
  } catch {}
}
const free = () => {
  for (const fd of taken.splice(0)) fs.closeSync(fd)
}
const onerror = (error) => {
  seen.push(error.code + ' ' + error.path)
  free()
}
for (const [dirpath, dirnames] of fwalk(top, { onerror })) {
  seen.push(dirpath)
  dirnames.sort()
  if (dirpath === top) fill()
}
fill()
try {
  fwalk(top).next()
} catch (error) {
  seen.push('thrown ' + error.code)
}
free()
answer(seen)
