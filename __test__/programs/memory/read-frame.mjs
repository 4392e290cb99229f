// Reads a sealed frame of 64 MiB through a mapping, and measures the memory that this takes.
import { readFileSync } from 'node:fs'

import { Memfd } from 'fdkit'

import { answer } from '../context.mjs'

const anonymous = () => Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
const MiB64 = 2 ** 26
const frame = Memfd.create('frame', { size: MiB64 })
frame.seal('write', 'shrink', 'grow')
const bytes = new Uint8Array(frame.map())
const before = anonymous()
for (let index = 0; index < MiB64; index += 4096) if (bytes[index] !== 0) throw new Error('not zero')
const read = anonymous() - before
for (let index = 0; index < MiB64; index += 4096) bytes[index] = 1
answer([read < 2 ** 14, anonymous() - before > 2 ** 15])
