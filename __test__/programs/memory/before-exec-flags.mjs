// Creates memory files with every combination of `sealing` and `exec`.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const results = []
for (const sealing of [true, false])
  for (const exec of [true, false]) {
    const memfd = fdkit.Memfd.create('old', { sealing, exec, contents: 'text', inheritable: exec })
    const { fd, seals } = memfd
    results.push([memfd.read().toString(), seals, fs.fstatSync(fd).mode & 0o777, fdkit.getInheritable(fd)])
  }
try {
  fdkit.memfdCreate('', fdkit.MFD_EXEC)
} catch (error) {
  results.push(error.code)
}
try {
  fdkit.Memfd.create('n'.repeat(250))
} catch (error) {
  results.push(error.code)
}
answer(results)
