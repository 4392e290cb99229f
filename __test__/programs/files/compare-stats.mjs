// Answers whether stat and lstat return what node:fs returns, and whether a walk works.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { answer, args } from '../context.mjs'

// The node:fs of Deno rounds times to milliseconds.
const time = process.versions.deno ? Math.floor : Number
const fields = (stats) => [stats.ino, stats.size, stats.mode, time(stats.mtimeMs), stats.nlink]
const path = args[0]
const dirFd = fs.openSync(path, 'r')
answer([
  ['file', 'alias', 'dir'].every(
    (name) =>
      String(fields(fdkit.stat(name, { dirFd }))) === String(fields(fs.statSync(path + '/' + name))) &&
      String(fields(fdkit.lstat(name, { dirFd }))) === String(fields(fs.lstatSync(path + '/' + name))),
  ),
  fdkit.stat(dirFd).isDirectory(),
  [...fdkit.fwalk(path)].length,
])
