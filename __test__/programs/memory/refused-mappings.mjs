// Maps files while a hook refuses it.
import { subscribe } from 'node:diagnostics_channel'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const memfd = fdkit.Memfd.create('audited', { size: 10 })
const seen = []
subscribe('mmap.__new__', (message) => seen.push(message))
memfd.map({ length: 3 })
const other = fdkit.Memfd.create('audited', { size: 10 })
fdkit.addAuditHook((event) => {
  throw new Error('no ' + event)
})
for (const call of [() => other.map(), () => fdkit.mmap(999_999), () => other.share()]) {
  try {
    call()
  } catch (error) {
    seen.push(error.message)
  }
}
answer([
  seen[0].fileno === memfd.fd,
  { ...seen[0], fileno: 0 },
  ...seen.slice(1),
  other.seals.includes('shrink'),
])
