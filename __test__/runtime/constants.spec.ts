// Tests the values of the exported constants.
import { execFileSync } from 'node:child_process'

import test from 'ava'
import * as fdkit from 'fdkit'

import { missing, notLinux, unless } from '../helpers/platform.js'

// The values are those of linux/memfd.h, linux/fcntl.h, linux/openat2.h, linux/fs.h, linux/socket.h, unistd.h
// and sys/statvfs.h.
const table = {
  MFD_CLOEXEC: 1,
  MFD_ALLOW_SEALING: 2,
  MFD_HUGETLB: 4,
  MFD_NOEXEC_SEAL: 8,
  MFD_EXEC: 0x10,
  MFD_HUGE_SHIFT: 26,
  MFD_HUGE_MASK: 0x3f,
  MFD_HUGE_64KB: 0x40000000,
  MFD_HUGE_512KB: 0x4c000000,
  MFD_HUGE_1MB: 0x50000000,
  MFD_HUGE_2MB: 0x54000000,
  MFD_HUGE_8MB: 0x5c000000,
  MFD_HUGE_16MB: 0x60000000,
  MFD_HUGE_32MB: 0x64000000,
  MFD_HUGE_256MB: 0x70000000,
  MFD_HUGE_512MB: 0x74000000,
  MFD_HUGE_1GB: 0x78000000,
  MFD_HUGE_2GB: 0x7c000000,
  MFD_HUGE_16GB: 0x88000000,
  F_SEAL_SEAL: 1,
  F_SEAL_SHRINK: 2,
  F_SEAL_GROW: 4,
  F_SEAL_WRITE: 8,
  F_SEAL_FUTURE_WRITE: 0x10,
  F_SEAL_EXEC: 0x20,
  RESOLVE_NO_XDEV: 1,
  RESOLVE_NO_MAGICLINKS: 2,
  RESOLVE_NO_SYMLINKS: 4,
  RESOLVE_BENEATH: 8,
  RESOLVE_IN_ROOT: 0x10,
  RESOLVE_CACHED: 0x20,
  MSG_PEEK: 2,
  MSG_CTRUNC: 8,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  MSG_EOR: 0x80,
  MSG_WAITALL: 0x100,
  RENAME_NOREPLACE: 1,
  RENAME_EXCHANGE: 2,
  F_OK: 0,
  X_OK: 1,
  W_OK: 2,
  R_OK: 4,
  ST_RDONLY: 1,
  ST_NOSUID: 2,
  ST_NODEV: 4,
  ST_NOEXEC: 8,
  ST_SYNCHRONOUS: 0x10,
  ST_MANDLOCK: 0x40,
  ST_NOATIME: 0x400,
  ST_NODIRATIME: 0x800,
  ST_RELATIME: 0x1000,
}

const constants = Object.fromEntries(Object.entries(fdkit).filter(([, value]) => typeof value === 'number'))

test('exports exactly the constants of the table', (t) => {
  const inOrder = (object: object) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))
  t.deepEqual(inOrder(constants), inOrder(table))
})

for (const [name, value] of Object.entries(table)) {
  const [, size, unit] = /^MFD_HUGE_(\d+)([KMG])B$/.exec(name) ?? []
  if (unit === undefined) continue
  test(`${name} is the shifted logarithm of its size`, (t) => {
    const bytes = Number(size) * 1024 ** ('KMG'.indexOf(unit) + 1)
    t.is(value, Math.log2(bytes) * 2 ** fdkit.MFD_HUGE_SHIFT)
    t.is((value / 2 ** fdkit.MFD_HUGE_SHIFT) & fdkit.MFD_HUGE_MASK, Math.log2(bytes))
  })
}

unless(notLinux || missing('python3'))('constants that Python has too have the same values', (t) => {
  const script = 'import fcntl, json, os; print(json.dumps({**vars(fcntl), **vars(os)}, default=str))'
  const python = JSON.parse(execFileSync('python3', ['-c', script], { encoding: 'utf8' }))
  const shared = Object.entries(constants).filter(([name]) => typeof python[name] === 'number')
  for (const [name, value] of shared) t.is(value, python[name], name)
  t.true(shared.some(([name]) => name === 'MFD_HUGE_16GB'))
})
