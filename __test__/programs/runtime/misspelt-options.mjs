// Deletes with misspelt names of `dirFd`.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer, args } from '../context.mjs'

process.chdir(args[0])
const dirFd = fs.openSync('other', 'r')
const codes = []
for (const name of ['dirfd', 'dir_fd', 'dirFD', 'DirFd', 'fd', 'cwd', 'dirFdd', 'dirf']) {
  for (const call of [fdkit.unlink, fdkit.rmtree]) {
    try {
      call('file', { [name]: dirFd })
    } catch (error) {
      codes.push(error.code + error.message.endsWith(' did you mean dirFd?'))
    }
  }
}
answer([codes, fs.readdirSync('.')])
