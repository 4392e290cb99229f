// Tests mappings of files with every combination of seals: which are allowed, and what they survive.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'

import type { ExecutionContext } from 'ava'
import {
  addSeals,
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  getSeals,
  mmap,
  munmap,
} from 'fdkit'

import { child, childCommand } from '../helpers/child.js'
import { thrown } from '../helpers/errors.js'
import { attempts, OTHER, type Attempt } from '../helpers/other.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { noSharing, sharingNode } from '../helpers/runtimes.js'
import { broughtBy, combinations, noExecSeals, sealed, WRITES } from '../helpers/seals.js'

const onLinux = unless(notLinux)
const withPython = unless(notLinux || missing('python3'))
const SIZE = 5000

const modes = [
  { options: {}, words: 'by default' },
  { options: { writable: true }, words: 'writable' },
  { options: { writable: false }, words: 'not writable' },
]

const firstByte = (fd: number): string => {
  const byte = Buffer.alloc(1)
  fs.readSync(fd, byte, 0, 1, 0)
  return byte.toString('latin1')
}

/** Each combination of seals that the kernel supports, on both kinds of file. */
const cases = combinations
  .flatMap(({ seals, words }) => [false, true].map((isExecutable) => ({ seals, words, isExecutable })))
  .filter(({ seals }) => !(seals & F_SEAL_EXEC) || !noExecSeals())

function owned(t: ExecutionContext, seals: number, isExecutable = false): number {
  const fd = sealed(seals, isExecutable, SIZE)
  t.teardown(() => fs.closeSync(fd))
  return fd
}

for (const { options, words: how } of modes) {
  for (const allowShrink of [false, true]) {
    onLinux(
      `${how}, allowShrink: ${allowShrink}: each combination of seals allows or refuses the mapping`,
      (t) => {
        for (const { seals, words, isExecutable } of cases) {
          const has = broughtBy(seals, isExecutable)
          const fd = owned(t, seals, isExecutable)
          const canShrink = !(has & F_SEAL_SHRINK)
          const isWriteSealed = (has & WRITES) !== 0
          const map = () => mmap(fd, { ...options, allowShrink })
          if (!allowShrink && canShrink && has & F_SEAL_SEAL) {
            t.like(thrown(map), { code: 'EPERM', syscall: 'fcntl' }, words)
            t.regex(thrown(map).message, /: the file could get shorter, .*allowShrink: true$/)
            t.is(getSeals(fd), has, words)
            continue
          }
          if (options.writable && isWriteSealed) {
            t.like(thrown(map), { code: 'EPERM', syscall: 'mmap' }, words)
            t.regex(thrown(map).message, /, mmap: the file is sealed against writing$/)
            continue
          }
          const [buffer, same] = [map(), map()]
          t.is(buffer.byteLength, SIZE)
          t.is(getSeals(fd), allowShrink ? has : has | F_SEAL_SHRINK, words)
          const [bytes, others] = [new Uint8Array(buffer), new Uint8Array(same)]
          t.is(Buffer.from(buffer, 0, 3).toString(), 'aaa', words)
          bytes[0] = 0x62
          t.is(bytes[0], 0x62)
          const isShared = options.writable ?? !isWriteSealed
          t.is(firstByte(fd), isShared ? 'b' : 'a', words)
          t.is(others[0], isShared ? 0x62 : 0x61, words)
          munmap(buffer)
          munmap(same)
          t.is(firstByte(fd), isShared ? 'b' : 'a', words)
        }
      },
    )
  }
}

// Runs in a child process, so that a crash is visible: it maps the file, another process does all that
// the seals allow, and then every page is read and written.
const survive = 'memory/survive.mjs'

interface Survival {
  maps: number
  fine: Record<Attempt, number>
}

function survival(modes: unknown[], node?: string): Survival {
  const which = cases.map(({ seals, isExecutable }) => [seals, isExecutable])
  return child(survive, { args: [which, modes, OTHER, attempts, SIZE], node })
}

withPython('a mapping survives everything that another process can do to the file', (t) => {
  const { maps, fine } = survival([{}, { writable: true }, { writable: false }])
  t.true(maps > 100)
  // The other process made changes, and those that would crash the reader were refused.
  t.true(fine.punch > 10 && fine.lengthen > 10 && fine.write > 10)
  t.like(fine, { cut: 0, 'open with O_TRUNC': 0 })
})

unless(notLinux || missing('python3') || noSharing)(
  'a mapping of share survives everything that another process can do to the file',
  (t) => {
    const { maps, fine } = survival(['shared'], sharingNode)
    t.true(maps > 30 && fine.punch > 3)
    t.like(fine, { cut: 0, 'open with O_TRUNC': 0 })
  },
)

onLinux('accessing a truncated mapping raises SIGBUS with allowShrink: true', (t) => {
  const script = `
    const memfd = fdkit.Memfd.create('cut', { size: 8192 })
    const bytes = new Uint8Array(memfd.map({ allowShrink: true }))
    memfd.truncate(0)
    bytes[5000] = 1
  `
  const error = t.throws(() => child(script, { shell: 'ulimit -c 0' }))
  t.regex(error?.message ?? '', /child ended with (135|SIGBUS)/)
})

onLinux('a stray write to a private mapping changes neither the file nor another mapping', (t) => {
  for (const seals of [0, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE]) {
    const fd = owned(t, seals)
    const buffers = [mmap(fd, { writable: false }), mmap(fd, { writable: false }), mmap(fd)]
    const [bytes, other, third] = buffers.map((each) => new Uint8Array(each))
    bytes?.fill(0x62)
    t.deepEqual([bytes?.[0], other?.[0], third?.[0], firstByte(fd)], [0x62, 0x61, 0x61, 'a'])
    t.is(fs.readFileSync(`/proc/self/fd/${fd}`, 'latin1'), 'a'.repeat(SIZE))
    buffers.forEach(munmap)
  }
})

onLinux('a read-only descriptor maps a write-sealed file privately, like a writable one', (t) => {
  for (const seal of [F_SEAL_WRITE, F_SEAL_FUTURE_WRITE]) {
    const fd = owned(t, seal | F_SEAL_SHRINK)
    const reader = fs.openSync(`/proc/self/fd/${fd}`, 'r')
    t.teardown(() => fs.closeSync(reader))
    const bytes = new Uint8Array(mmap(reader))
    bytes[0] = 0x62
    t.is(firstByte(fd), 'a')
    munmap(bytes.buffer)
    const error = t.throws<NodeJS.ErrnoException>(() => mmap(reader, { writable: true }))
    t.is(error?.code, 'EACCES')
  }
})

onLinux('a read-only descriptor of a file that is not write-sealed needs writable: false', (t) => {
  const fd = owned(t, F_SEAL_SHRINK)
  const reader = fs.openSync(`/proc/self/fd/${fd}`, 'r')
  t.teardown(() => fs.closeSync(reader))
  t.throws(() => mmap(reader), {
    code: 'EACCES',
    message: /must be open for reading and, unless writable is false/,
  })
  t.is(new Uint8Array(mmap(reader, { writable: false }))[0], 0x61)
})

onLinux('F_SEAL_WRITE is EBUSY while a writable buffer exists, even if its descriptor is closed', (t) => {
  const fd = owned(t, 0)
  const other = fs.openSync(`/proc/self/fd/${fd}`, 'r+')
  const buffers = [mmap(other), mmap(fd, { writable: true })]
  fs.closeSync(other)
  const privately = mmap(fd, { writable: false })
  for (const buffer of buffers) {
    t.throws(() => addSeals(fd, F_SEAL_WRITE), {
      code: 'EBUSY',
      message: 'EBUSY: resource busy or locked, fcntl: a writable mapping exists, in this or another process',
    })
    munmap(buffer)
  }
  addSeals(fd, F_SEAL_WRITE)
  t.is(new Uint8Array(privately)[0], 0x61)
  munmap(privately)
})

onLinux('F_SEAL_FUTURE_WRITE keeps existing writable mappings, and makes new ones private', (t) => {
  const fd = owned(t, 0)
  const before = mmap(fd)
  addSeals(fd, F_SEAL_FUTURE_WRITE)
  const after = mmap(fd)
  new Uint8Array(before)[0] = 0x62
  t.is(firstByte(fd), 'b')
  t.is(new Uint8Array(after)[0], 0x62)
  new Uint8Array(after)[1] = 0x63
  t.is(fs.readFileSync(`/proc/self/fd/${fd}`, 'latin1').slice(0, 2), 'ba')
  t.throws(() => addSeals(fd, F_SEAL_WRITE), { code: 'EBUSY' })
  munmap(before)
  addSeals(fd, F_SEAL_WRITE)
  munmap(after)
})

onLinux('F_SEAL_WRITE can be added after the process with the writable mapping has died', async (t) => {
  const fd = owned(t, 0)
  const script = `
    const buffer = fdkit.mmap(3)
    answer('mapped')
    setInterval(() => buffer, 1000)
  `
  const [command = '', ...rest] = childCommand(script)
  const holder = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit', fd] })
  t.teardown(() => holder.kill('SIGKILL'))
  await once(holder.stdout as NodeJS.ReadableStream, 'data')
  t.throws(() => addSeals(fd, F_SEAL_WRITE), { code: 'EBUSY' })
  holder.kill('SIGKILL')
  await once(holder, 'close')
  addSeals(fd, F_SEAL_WRITE)
  t.is(getSeals(fd), F_SEAL_SHRINK | F_SEAL_WRITE)
})
