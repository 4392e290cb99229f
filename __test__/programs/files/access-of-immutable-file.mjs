// Asks whether an immutable file may be written.
import * as fs from 'node:fs'
import { execFileSync } from 'node:child_process'

import * as fdkit from 'fdkit'

import { answer, args } from '../context.mjs'

process.chdir(args[0])
fs.writeFileSync('file', '')
try {
  execFileSync('chattr', ['+i', 'file'], { stdio: 'ignore' })
} catch {
  answer('no such attribute')
  process.exit()
}
try {
  process.setegid?.(65534)
  const options = [{}, { followSymlinks: false }, { effectiveIds: true }]
  answer(options.map((each) => fdkit.canAccess('file', fdkit.W_OK, each)))
} finally {
  execFileSync('chattr', ['-i', 'file'])
}
