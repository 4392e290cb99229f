// Tests the options of Memfd.create, alone and combined.
import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { constants } from 'node:os'

import test, { type ExecutionContext } from 'ava'
import {
  F_SEAL_EXEC,
  F_SEAL_SEAL,
  getInheritable,
  getSeals,
  Memfd,
  MFD_EXEC,
  MFD_NOEXEC_SEAL,
  type Contents,
  type MemfdOptions,
} from 'fdkit'

import { child } from '../helpers/child.js'
import { countFds } from '../helpers/fds.js'
import { notLinux, unless } from '../helpers/platform.js'
import { noExecSeals } from '../helpers/seals.js'
import { hiding, noSeccomp } from '../helpers/seccomp.js'
import { noStrace, straced } from '../helpers/strace.js'

const onLinux = unless(notLinux)
const withExecSeals = unless(noExecSeals())

function made(t: ExecutionContext, options?: MemfdOptions, name: string | Uint8Array = 'test'): Memfd {
  const memfd = Memfd.create(name, options)
  t.teardown(() => memfd.close())
  return memfd
}

onLinux('by default a Memfd is empty, accepts seals, and is neither executable nor inheritable', (t) => {
  const memfd = made(t)
  t.is(memfd.size, 0)
  t.is(memfd.read().length, 0)
  t.is(getSeals(memfd.fd), noExecSeals() ? 0 : F_SEAL_EXEC)
  t.false(getInheritable(memfd.fd))
  // The value is a symbol, which makes every way to clone the object fail.
  t.deepEqual(Object.keys(memfd), ['notCloneable'])
})

const bytes = new Uint8Array(Buffer.from('some text'))
const shared = new Uint8Array(new SharedArrayBuffer(9))
shared.set(bytes)
const wide = Buffer.from('--some text--')
const kinds: Record<string, Contents> = {
  'a string': 'some text',
  'a Buffer': Buffer.from('some text'),
  'an Uint8Array': bytes,
  'a view with an offset': wide.subarray(2, 11),
  'a DataView with an offset': new DataView(wide.buffer, wide.byteOffset + 2, 9),
  'an ArrayBuffer': bytes.buffer,
  'a SharedArrayBuffer': shared.buffer,
  'a view of a SharedArrayBuffer': shared,
}

for (const [kind, contents] of Object.entries(kinds)) {
  onLinux(`contents can be ${kind}`, (t) => {
    const memfd = made(t, { contents })
    t.is(memfd.read().toString(), 'some text')
    t.is(memfd.size, 9)
    const other = made(t)
    other.write(contents, 3)
    t.is(other.read().toString(), '\0\0\0some text')
  })
}

onLinux('contents: a string is encoded as UTF-8, and views of larger elements are written as bytes', (t) => {
  t.deepEqual(made(t, { contents: 'ü\u{1f600}\ud800' }).read(), Buffer.from('ü\u{1f600}\ufffd'))
  t.deepEqual([...made(t, { contents: new Uint16Array([1, 0x203]) }).read()], [1, 0, 3, 2])
})

for (const contents of ['', Buffer.alloc(0), new ArrayBuffer(0), new DataView(new ArrayBuffer(4), 4)]) {
  onLinux(`contents can be empty: ${contents === '' ? 'a string' : contents.constructor.name}`, (t) => {
    t.is(made(t, { contents }).size, 0)
    t.deepEqual(made(t, { contents, size: 3 }).read(), Buffer.alloc(3))
  })
}

onLinux('size reserves memory, and the part after the contents is zeros', (t) => {
  for (const size of [4, 5, 4096, 100_000]) {
    const memfd = made(t, { size, contents: 'text' })
    t.is(memfd.read().toString('latin1'), 'text'.padEnd(size, '\0'))
    const { blocks, blksize } = fs.fstatSync(memfd.fd)
    t.is(blocks * 512, Math.ceil(size / blksize) * blksize)
  }
  t.is(fs.fstatSync(made(t, { size: 2 ** 20 }).fd).blocks * 512, 2 ** 20)
  t.is(made(t, { size: 0 }).size, 0)
})

onLinux('a size smaller than the contents is an error and leaks nothing', (t) => {
  const before = countFds()
  for (const [size, contents, least] of [
    [0, 'x', 1],
    [3, 'text', 4],
    [3, 'üü', 4],
  ] as const) {
    t.throws(() => Memfd.create('', { size, contents }), {
      code: 'ERR_OUT_OF_RANGE',
      message: `The value of "options.size" is out of range. It must be >= ${least}. Received ${size}`,
    })
  }
  t.is(countFds(), before)
})

const flag = [true, false]
onLinux('every combination of sealing, exec and inheritable has its effects', (t) => {
  for (const sealing of flag)
    for (const exec of flag)
      for (const inheritable of flag) {
        const words = JSON.stringify({ sealing, exec, inheritable })
        const memfd = made(t, { sealing, exec, inheritable, contents: 'text', size: 10 })
        t.is(memfd.read().toString(), 'text\0\0\0\0\0\0', words)
        t.is(getInheritable(memfd.fd), inheritable, words)
        const noExec = exec || noExecSeals() ? 0 : F_SEAL_EXEC
        t.is(getSeals(memfd.fd), noExec | (sealing ? 0 : F_SEAL_SEAL), words)
        const mode = fs.fstatSync(memfd.fd).mode & 0o777
        t.is(mode, exec || noExecSeals() ? 0o777 : 0o666, words)
        if (sealing) t.notThrows(() => memfd.seal('grow'), words)
        else t.throws(() => memfd.seal('grow'), { code: 'EPERM' }, words)
      }
})

withExecSeals('exec: false is permanent, and exec: true makes the file executable', (t) => {
  const script = '#!/bin/sh\necho ran'
  const never = made(t, { contents: script })
  t.throws(() => fs.fchmodSync(never.fd, 0o777), { code: 'EPERM' })
  t.is(spawnSync(`/proc/self/fd/${never.fd}`).error?.message.includes('EACCES'), true)
  t.is(execFileSync(made(t, { contents: script, exec: true }).path, { encoding: 'utf8' }), 'ran\n')
})

onLinux('a child inherits the descriptor only with inheritable: true', (t) => {
  for (const inheritable of flag) {
    const { fd } = made(t, { inheritable, contents: 'text' }, 'inherited')
    const { stdout } = spawnSync('readlink', [`/proc/self/fd/${fd}`], { encoding: 'utf8' })
    t.is(stdout, inheritable ? '/memfd:inherited (deleted)\n' : '')
  }
})

onLinux('a name consists of at most 249 bytes except NUL', (t) => {
  const shown = (memfd: Memfd) => fs.readlinkSync(memfd.path, 'buffer').toString('latin1')
  t.is(shown(made(t, {}, Buffer.from([0x61, 0xff, 0x2f]))), '/memfd:a\xff/ (deleted)')
  t.is(shown(made(t, {}, 'a\udcff')), '/memfd:a\xff (deleted)')
  t.is(shown(made(t, {}, '')), '/memfd: (deleted)')
  made(t, {}, 'n'.repeat(249))
  t.throws(() => Memfd.create('n'.repeat(250)), {
    code: 'EINVAL',
    message: 'EINVAL: invalid argument, memfd_create',
  })
  t.throws(() => Memfd.create('a\0'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => Memfd.create(5 as never), { code: 'ERR_INVALID_ARG_TYPE', message: /^The "name" argument/ })
})

const wrong: [options: unknown, code: string, message: RegExp][] = [
  [null, 'TYPE', /"options" argument must be of type object/],
  [[], 'TYPE', /"options" argument/],
  ['text', 'TYPE', /"options" argument/],
  [{ contents: 5 }, 'TYPE', /"options.contents" property must be of type string or an instance of Buffer, /],
  [{ contents: null }, 'TYPE', /"options.contents"/],
  [{ contents: [1] }, 'TYPE', /"options.contents"/],
  [{ size: '5' }, 'TYPE', /"options.size" property must be of type number/],
  [{ size: 5n }, 'TYPE', /"options.size"/],
  [{ size: -1 }, 'RANGE', /"options.size" .* It must be >= 0 && <= 9007199254740991. Received -1/],
  [{ size: 1.5 }, 'RANGE', /"options.size" .* an integer/],
  [{ size: Number.NaN }, 'RANGE', /"options.size"/],
  [{ size: 2 ** 53 }, 'RANGE', /"options.size"/],
  [{ sealing: 1 }, 'TYPE', /"options.sealing" property must be of type boolean/],
  [{ exec: 'no' }, 'TYPE', /"options.exec"/],
  [{ exec: null }, 'TYPE', /"options.exec"/],
  [{ inheritable: 0 }, 'TYPE', /"options.inheritable"/],
  [{ hugePageSize: '2M' }, 'TYPE', /"options.hugePageSize"/],
  [{ hugePageSize: 0 }, 'RANGE', /"options.hugePageSize" .* It must be >= 2/],
  [{ hugePageSize: 3 }, 'RANGE', /"options.hugePageSize" .* a power of 2/],
  [{ hugePageSize: 2 ** 21, size: 4096 }, 'RANGE', /"options.size" .* a multiple of 2097152/],
  [{ hugePageSize: 2 ** 21, size: 1, contents: 'ab' }, 'RANGE', /"options.size"/],
]

test("invalid options are errors in Node's words before anything is created", (t) => {
  for (const [options, code, message] of wrong) {
    const expected = code === 'TYPE' ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE'
    t.throws(() => Memfd.create('', options as MemfdOptions), { code: expected, message })
  }
})

onLinux('an option that is undefined has its default', (t) => {
  const none = { contents: undefined, exec: undefined, hugePageSize: undefined, inheritable: undefined }
  const memfd = made(t, { ...none, sealing: undefined, size: undefined })
  t.is(memfd.size, 0)
  memfd.seal('seal')
})

// Fails like Linux before 6.3.
const old = hiding('memfd_create', constants.errno.EINVAL, MFD_EXEC | MFD_NOEXEC_SEAL)

unless(noSeccomp)(
  'before Linux 6.3 the file is created without the exec flags and keeps the other options',
  (t) => {
    t.deepEqual(child('memory/before-exec-flags.mjs', old), [
      ['text', [], 0o777, true],
      ['text', [], 0o777, false],
      ['text', ['seal'], 0o777, true],
      ['text', ['seal'], 0o777, false],
      'EINVAL',
      'EINVAL',
    ])
  },
)

unless(noSeccomp)('a kernel without memfd_create causes ENOSYS, and nothing is leaked', (t) => {
  const script = `
    const before = countFds()
    try { fdkit.Memfd.create('none') } catch ({ code, syscall }) { answer([code, syscall, countFds() - before]) }
  `
  const none = hiding('memfd_create', constants.errno.ENOSYS)
  t.deepEqual(child(script, none), ['ENOSYS', 'memfd_create', 0])
})

unless(noSeccomp)('exec: true is EACCES if vm.memfd_noexec is 2', (t) => {
  // Simulates the kernel's answer, since the setting would affect the whole machine.
  const script = `
    fdkit.Memfd.create('fine').close()
    try { fdkit.Memfd.create('not', { exec: true }) } catch ({ message }) { answer(message) }
  `
  const forbidden = hiding('memfd_create', constants.errno.EACCES, MFD_EXEC)
  t.is(child(script, forbidden), 'EACCES: permission denied, memfd_create')
})

unless(noStrace)('a failure after the creation closes the descriptor', (t) => {
  const script = `
    const before = countFds()
    const attempt = (options) => {
      try { fdkit.Memfd.create('failing', options) } catch ({ code, syscall }) { return [code, syscall] }
    }
    answer([attempt({ size: 4096 }), attempt({ contents: 'x' }), countFds() - before])
  `
  const { answer } = straced(t, script, ['-e', 'trace=fallocate', '-e', 'inject=fallocate:error=ENOSPC'])
  t.deepEqual(answer, [['ENOSPC', 'fallocate'], ['ENOSPC', 'fallocate'], 0])
})
