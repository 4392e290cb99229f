// Maps sealed files, lets another process do all that the seals allow, and uses every page afterwards.
import * as fs from 'node:fs'
import { spawnSync } from 'node:child_process'

import * as fdkit from 'fdkit'

import { answer, args } from '../context.mjs'

const [cases, modes, tool, attempts, size] = args
const maps = []
for (const [seals, isExecutable] of cases)
  for (const mode of modes) {
    const fd = fdkit.memfdCreate('sealed', fdkit.MFD_CLOEXEC | fdkit.MFD_ALLOW_SEALING)
    fs.writeSync(fd, Buffer.alloc(size, 'a'))
    fs.fchmodSync(fd, isExecutable ? 0o777 : 0o666)
    if (seals) fdkit.addSeals(fd, seals)
    try {
      maps.push([fd, (mode === 'shared' ? fdkit.mmapShared : fdkit.mmap)(fd, mode === 'shared' ? {} : mode)])
    } catch (error) {
      if (error.code !== 'EPERM') throw error
      fs.closeSync(fd)
    }
  }
const tasks = maps.flatMap(([fd]) => attempts.map((each) => ['/proc/' + process.pid + '/fd/' + fd, each]))
const { stdout, status } = spawnSync('python3', [tool], {
  input: JSON.stringify(tasks),
  maxBuffer: 2 ** 28,
})
if (status !== 0) throw new Error('the other process ended with ' + status)
const results = JSON.parse(String(stdout))
for (const [, buffer] of maps) {
  const bytes = new Uint8Array(buffer)
  if (bytes.length !== size) throw new Error('a length of ' + bytes.length)
  for (let at = 0; at < size; at += 99) bytes[at]++
  bytes[size - 1] = 1
}
const fine = (what) => results.filter((result, index) => tasks[index][1] === what && result === 'fine').length
answer({ maps: maps.length, fine: Object.fromEntries(attempts.map((each) => [each, fine(each)])) })
