// Maps a file in every way while the runtime refuses external buffers.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const maps = () => fs.readFileSync('/proc/self/maps', 'latin1').split('/memfd:refused').length - 1
const memfd = fdkit.Memfd.create('refused', { contents: 'text' })
const attempt = (call) => {
  try {
    call()
  } catch ({ code, message }) {
    return [code, message]
  }
}
const tried = [() => memfd.map(), () => fdkit.mmap(memfd.fd, { writable: false }), () => memfd.share()]
const results = tried.map(attempt)
const left = maps()
memfd.seal('write')
const text = memfd.read().toString()
memfd.close()
answer([results, left, text])
