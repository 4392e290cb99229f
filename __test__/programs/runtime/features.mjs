// Uses each feature once. The answer has true or the code of the error for each.
import * as fs from 'node:fs'

import {
  addSeals,
  canAccess,
  chmod,
  listdir,
  Memfd,
  memfdCreate,
  mmap,
  munmap,
  open,
  rename,
  rmtree,
  scandir,
  stat,
  F_OK,
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  MFD_ALLOW_SEALING,
  MFD_EXEC,
  MFD_NOEXEC_SEAL,
  R_OK,
  RENAME_EXCHANGE,
  RESOLVE_BENEATH,
  fwalk,
} from 'fdkit'
import { futexWaitAsync } from 'fdkit/promises'

import { answer, args } from '../context.mjs'

process.chdir(args[0])
const found = {}
const attempt = async (name, call) => {
  try {
    found[name] = (await call()) ?? true
  } catch (error) {
    found[name] = error.code ?? error.name
  }
}
const sealed = (seal) => {
  const fd = memfdCreate('sealed', MFD_ALLOW_SEALING)
  try {
    addSeals(fd, seal)
  } finally {
    fs.closeSync(fd)
  }
}
await attempt('open within bounds', () => fs.closeSync(open('file', 'r', { resolve: RESOLVE_BENEATH })))
await attempt('rename with flags', () => rename('file', 'other', { flags: RENAME_EXCHANGE }))
await attempt('chmod without following', () => chmod('file', 0o600, { followSymlinks: false }))
await attempt('access of the effective user', () => canAccess('file', R_OK, { effectiveIds: true }))
await attempt('access of a link itself', () => canAccess('dangling', F_OK, { followSymlinks: false }))
await attempt('stat', () => stat('file').size === 4)
await attempt('memfd', () => Memfd.create('text', { contents: 'text' }).read().toString() === 'text')
await attempt('MFD_NOEXEC_SEAL', () => fs.closeSync(memfdCreate('sealed', MFD_NOEXEC_SEAL)))
await attempt('MFD_EXEC', () => fs.closeSync(memfdCreate('executable', MFD_EXEC)))
await attempt('F_SEAL_FUTURE_WRITE', () => sealed(F_SEAL_FUTURE_WRITE))
await attempt('F_SEAL_EXEC', () => sealed(F_SEAL_EXEC))
const memfd = Memfd.create('words', { size: 4096 })
await attempt('populate', () => munmap(mmap(memfd.fd, { populate: true })))
const words = new Int32Array(memfd.map())
await attempt('wait until a signal', () =>
  futexWaitAsync(words, 0, 0, { timeout: 60_000, signal: AbortSignal.timeout(20) }),
)
await attempt('listing', () => listdir('dir').length === 1 && [...scandir('dir')].length === 1)
await attempt('walk', () => [...fwalk('dir')].length === 2)
await attempt('delete', () => rmtree('dir'))
answer(found)
