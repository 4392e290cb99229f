// Changes permissions without following links, and answers with the results.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer, args } from '../context.mjs'

const attempt = (path, options) => {
  try {
    fdkit.chmod(path, 0o640, { followSymlinks: false, ...options })
    return 'done'
  } catch (error) {
    return [error.code, error.syscall, error.path]
  }
}
process.chdir(args[0])
answer([
  attempt('file'),
  attempt('alias'),
  attempt('alias', { dirFd: fs.openSync('.', 'r') }),
  attempt('none'),
])
