// Sets times while a hook changes the arguments.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer, args } from '../context.mjs'

process.chdir(args[0])
const seen = []
const times = /** @type {[number, number]} */ ([1, 2])
const date = new Date(3000)
fdkit.addAuditHook((_event, /** @type {readonly any[]} */ [, given]) => {
  seen.push(JSON.stringify(given))
  times[0] = times[1] = 99
  date.setTime(99_000)
  try {
    given[0] = 99
  } catch {}
  if (given[1] instanceof Date) given[1].setTime(99_000)
})
const read = () => {
  const { atimeMs, mtimeMs } = fs.statSync('file')
  return [atimeMs, mtimeMs]
}
fdkit.utime('file', { times })
seen.push(read())
date.setTime(3000)
fdkit.utime('file', { times: [date, date] })
seen.push(read())
let reads = 0
fdkit.utime('file', {
  get times() {
    reads++
    return new Proxy(/** @type {[number, number]} */ ([reads, reads]), {
      get: (target, key) => (key === '0' ? ++reads : target[key]),
    })
  },
})
seen.push(read(), reads)
answer(seen)
