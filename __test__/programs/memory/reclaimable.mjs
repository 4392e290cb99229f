// Fills the page cache, and creates a memory file that needs this memory.
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const file = fs.mkdtempSync(tmpdir() + '/fdkit-cache-') + '/file'
const chunk = Buffer.alloc(2 ** 24)
const fd = fs.openSync(file, 'w')
for (let i = 0; i < 10; i++) fs.writeSync(fd, chunk)
fs.fsyncSync(fd)
fs.closeSync(fd)
try {
  const memfd = fdkit.Memfd.create('limited', { size: 2 ** 27 })
  answer(memfd.size)
} finally {
  fs.rmSync(file)
  fs.rmdirSync(file.slice(0, -5))
}
