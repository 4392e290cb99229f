// Tests mmap of other files, of descriptors that cannot read or write, and its audit event.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createServer } from 'node:net'

import type { ExecutionContext } from 'ava'
import { Memfd, memfdCreate, mmap, munmap, type MmapOptions } from 'fdkit'

import { child, programPath } from '../helpers/child.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)

function opened(t: ExecutionContext, path: string, flags: string | number): number {
  const fd = fs.openSync(path, flags)
  t.teardown(() => fs.closeSync(fd))
  return fd
}

const MAY_SHRINK =
  ': the file could get shorter, and an access beyond its new end would end the process ' +
  '(SIGBUS): add F_SEAL_SHRINK, or pass allowShrink: true'

onLinux('a file on a disk is EINVAL because it could shrink, and is mapped with allowShrink: true', (t) => {
  const path = `${makeTree(t, { file: 'text on a disk' })}/file`
  const fd = opened(t, path, 'r+')
  for (const options of [{}, { writable: true }, { writable: false }]) {
    t.throws(() => mmap(fd, options), {
      code: 'EINVAL',
      message: `EINVAL: invalid argument, fcntl${MAY_SHRINK}`,
    })
  }
  const buffer = mmap(fd, { allowShrink: true })
  t.is(Buffer.from(buffer).toString(), 'text on a disk')
  new Uint8Array(buffer)[0] = 84
  const privately = mmap(fd, { allowShrink: true, writable: false, length: 4 })
  t.is(Buffer.from(privately).toString(), 'Text')
  Buffer.from(privately).fill('x')
  munmap(buffer)
  munmap(privately)
  t.is(fs.readFileSync(path, 'utf8'), 'Text on a disk')
})

const O_PATH = 0x20_0000
const linkOf = (fd: string): string => {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    // The descriptor of the listing itself.
    return ''
  }
}

const NO_FILE = 'ENODEV: no such device, mmap: this file cannot be mapped'

onLinux('only regular files can be mapped', async (t) => {
  const top = makeTree(t, { file: 'text' })
  execFileSync('mkfifo', [`${top}/fifo`])
  const server = createServer().listen(`${top}/socket`)
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => server.close())
  const socket = fs.readdirSync('/proc/self/fd').find((fd) => linkOf(fd).startsWith('socket:'))
  const kinds: Record<string, number> = {
    'a directory': opened(t, top, 'r'),
    'a FIFO': opened(t, `${top}/fifo`, 'r+'),
    'a socket': Number(socket),
    '/dev/null': opened(t, '/dev/null', 'r+'),
    '/dev/zero': opened(t, '/dev/zero', 'r+'),
  }
  for (const [kind, fd] of Object.entries(kinds)) {
    t.throws(
      () => mmap(fd),
      { code: 'EINVAL', message: `EINVAL: invalid argument, fcntl${MAY_SHRINK}` },
      kind,
    )
    t.throws(() => mmap(fd, { allowShrink: true, writable: false }), { message: NO_FILE }, kind)
    t.throws(() => mmap(fd, { allowShrink: true }), { message: NO_FILE }, kind)
  }
  // It allows stat only.
  const path = opened(t, `${top}/file`, O_PATH)
  t.throws(() => mmap(path), { code: 'EBADF' })
  t.throws(() => mmap(path, { allowShrink: true, writable: false }), { code: 'EBADF' })
})

const READ_WRITE =
  /^EACCES: permission denied, mmap: the descriptor must be open for reading and, unless writable is false/

onLinux('a descriptor that cannot read or cannot write is EACCES, or EPERM if it cannot seal', (t) => {
  const memfd = Memfd.create('mapped', { contents: 'text' })
  t.teardown(() => memfd.close())
  const [reader, writer] = [opened(t, memfd.path, 'r'), opened(t, memfd.path, fs.constants.O_WRONLY)]
  t.throws(() => mmap(reader, { writable: false }), {
    code: 'EPERM',
    message: `EPERM: operation not permitted, fcntl${MAY_SHRINK}`,
  })
  for (const allowShrink of [true, false]) {
    if (!allowShrink) memfd.seal('shrink')
    for (const [fd, writable] of [
      [reader, undefined],
      [reader, true],
      [writer, undefined],
      [writer, false],
    ] as const) {
      t.throws(() => mmap(fd, { allowShrink, writable }), { code: 'EACCES', message: READ_WRITE })
    }
    t.is(Buffer.from(mmap(reader, { allowShrink, writable: false })).toString(), 'text')
  }
  memfd.seal('write')
  t.throws(() => mmap(writer), { code: 'EACCES', message: READ_WRITE })
})

onLinux('a memory file that accepts no seals is EPERM, and is mapped with allowShrink: true', (t) => {
  const fd = memfdCreate('plain')
  t.teardown(() => fs.closeSync(fd))
  fs.writeSync(fd, 'text')
  t.throws(() => mmap(fd), { code: 'EPERM', message: `EPERM: operation not permitted, fcntl${MAY_SHRINK}` })
  t.is(Buffer.from(mmap(fd, { allowShrink: true })).toString(), 'text')
})

unless(notLinux || missing('python3'))('mmap raises the audit event of Python', (t) => {
  const python = execFileSync('python3', [programPath('memory/mapping-events.py')], { encoding: 'utf8' })
  t.deepEqual(child('memory/mapping-events.mjs'), JSON.parse(python))
})

onLinux('a hook can refuse a mapping before the file is sealed and the descriptor is used', (t) => {
  t.deepEqual(child('memory/refused-mappings.mjs'), [
    true,
    { fileno: 0, length: 3, access: 0, offset: 0 },
    ...Array.from({ length: 3 }, () => 'no mmap.__new__'),
    false,
  ])
})

onLinux('errors have the properties of those of node:fs', (t) => {
  const options: MmapOptions = { allowShrink: true, writable: false }
  const error = t.throws<NodeJS.ErrnoException>(() => mmap(999_999, options))
  t.like(error, { code: 'EBADF', syscall: 'fstat', errno: -9 })
  t.deepEqual(Object.keys(error ?? {}), ['errno', 'code', 'syscall'])
})
