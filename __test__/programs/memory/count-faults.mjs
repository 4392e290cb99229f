// Counts the page faults of reading a mapping, with and without `populate`.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const MiB64 = 2 ** 26
const memfd = fdkit.Memfd.create('pages', { size: MiB64 })
const anonymous = () =>
  Number(/RssAnon:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
const touch = (options) => {
  const before = anonymous()
  const bytes = new Uint8Array(memfd.map(options))
  const faults = process.resourceUsage().minorPageFault
  let sum = 0
  for (let index = 0; index < MiB64; index += 4096) sum += bytes[index]
  return [process.resourceUsage().minorPageFault - faults, anonymous() - before < MiB64 / 4]
}
touch({})
answer([{}, { populate: true }, { populate: true, writable: false }].map(touch))
