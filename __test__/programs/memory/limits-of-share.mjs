// Shares files within and beyond their limits.
import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const attempt = (call) => {
  try {
    return call()
  } catch ({ code, message }) {
    return code + ' ' + /: ([^:]*)$/.exec(message)?.[1]
  }
}
const page = fdkit.getpagesize()
const memfd = fdkit.Memfd.create('shared', { size: page + 904 })
const plain = fdkit.Memfd.create('plain', { size: 5000, sealing: false })
const empty = fdkit.Memfd.create('empty')
answer([
  memfd.share().byteLength - page,
  memfd.share({ offset: page }).byteLength,
  memfd.seals.includes('shrink'),
  attempt(() => memfd.share({ length: page + 905 })).slice(0, 16),
  attempt(() => memfd.share({ offset: 1 })).slice(0, 16),
  attempt(() => plain.share()).slice(0, 5),
  plain.share({ allowShrink: true }).byteLength,
  attempt(() => empty.share()),
  attempt(() => fdkit.mmapShared(999999)).slice(0, 5),
])
