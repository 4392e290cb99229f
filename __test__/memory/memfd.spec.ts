// Tests memfdCreate, getSeals and addSeals.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import * as fdkit from 'fdkit'
import { addSeals, getInheritable, getSeals, memfdCreate } from 'fdkit'

import { missing, notLinux, unless } from '../helpers/platform.js'
import { noExecSeals } from '../helpers/seals.js'

const {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGE_16GB,
  MFD_HUGE_2MB,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
} = fdkit

const onLinux = unless(notLinux)
const withPython = unless(notLinux || missing('python3'))
const hugePages = '/sys/kernel/mm/hugepages/hugepages-2048kB'
const withHugePages = unless(notLinux || (!fs.existsSync(hugePages) && 'needs huge pages of 2 MB'))

function memfd(t: ExecutionContext, name: string | Uint8Array = 'test', flags?: number): number {
  const fd = memfdCreate(name, flags)
  t.teardown(() => fs.closeSync(fd))
  return fd
}

const sealable = (t: ExecutionContext) => memfd(t, 'sealable', MFD_CLOEXEC | MFD_ALLOW_SEALING)

const shownName = (fd: number): Buffer => fs.readlinkSync(`/proc/self/fd/${fd}`, 'buffer')

const shownAs = (name: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from('/memfd:'), Buffer.from(name), Buffer.from(' (deleted)')])

/** Runs Python with the descriptor as its descriptor 3. */
function python(fd: number, script: string) {
  const stdio = ['ignore', 'pipe', 'pipe', fd] as const
  const { status, stdout, stderr } = spawnSync('python3', ['-c', script], {
    stdio: [...stdio],
    encoding: 'utf8',
  })
  return { status, stdout: stdout.trim(), stderr }
}

/** Maps the descriptor with Python's mmap. Returns "fine" or the name of the error. */
const mapping = (fd: number, how: string) =>
  python(
    fd,
    [
      'import errno, mmap',
      `try: mmap.mmap(3, 4096, ${how}); print('fine')`,
      'except OSError as error: print(errno.errorcode[error.errno])',
    ].join('\n'),
  ).stdout

onLinux('creates an empty file that can be read and written', (t) => {
  const fd = memfd(t)
  t.is(fs.fstatSync(fd).size, 0)
  t.true(fs.fstatSync(fd).isFile())
  fs.writeSync(fd, 'contents')
  t.is(fs.readFileSync(`/proc/self/fd/${fd}`, 'utf8'), 'contents')
})

onLinux('each call creates a separate file', (t) => {
  const [one, other] = [memfd(t, 'same'), memfd(t, 'same')]
  t.not(one, other)
  t.not(fs.fstatSync(one).ino, fs.fstatSync(other).ino)
})

for (const [what, name] of Object.entries({
  'a plain name': 'report',
  'an empty name': '',
  slashes: '/a/../b/',
  'spaces and a newline': ' a\nb ',
  'not ASCII': 'Grüße \u{1f600} \ufffd',
  '249 bytes': 'n'.repeat(249),
})) {
  onLinux(`accepts and shows a name: ${what}`, (t) => {
    t.deepEqual(shownName(memfd(t, name)), shownAs(name))
    t.deepEqual(shownName(memfd(t, Buffer.from(name))), shownAs(name))
  })
}

onLinux('accepts a name that is not UTF-8, as a Buffer and escaped according to PEP 383', (t) => {
  const name = Buffer.from([0x61, 0xff, 0xc3, 0x80, 0xed, 0xa0, 0x80])
  t.deepEqual(shownName(memfd(t, name)), shownAs(name))
  t.deepEqual(shownName(memfd(t, new Uint8Array(name))), shownAs(name))
  const escaped = 'a\udcff\u00c0\udced\udca0\udc80'
  t.deepEqual(shownName(memfd(t, escaped)), shownAs(name))
})

onLinux('a name of 250 bytes is EINVAL, even if it has fewer characters', (t) => {
  for (const name of ['n'.repeat(250), Buffer.alloc(250, 'n'), 'ü'.repeat(125), 'n'.repeat(4096)]) {
    t.throws(() => memfdCreate(name), {
      code: 'EINVAL',
      message: 'EINVAL: invalid argument, memfd_create',
    })
  }
  t.deepEqual(shownName(memfd(t, 'ü'.repeat(124))), shownAs('ü'.repeat(124)))
})

for (const name of ['\0', 'a\0b', 'a\0', Buffer.from('a\0b'), new Uint8Array(1)]) {
  test(`a NUL in a name is an error (${JSON.stringify(name)})`, (t) => {
    t.throws(() => memfdCreate(name), { code: 'ERR_INVALID_ARG_VALUE', instanceOf: TypeError })
  })
}

for (const name of [undefined, null, 5, new URL('file:///tmp'), ['a'], {}]) {
  test(`rejects a name of another type: ${String(name) || 'array'}`, (t) => {
    t.throws(() => memfdCreate(name as string), {
      code: 'ERR_INVALID_ARG_TYPE',
      instanceOf: TypeError,
      message: /^The "name" argument must be of type string or an instance of Buffer or Uint8Array\. /,
    })
  })
}

for (const flags of [2 ** 32, -(2 ** 31) - 1, 2 ** 40, 2 ** 53, Infinity, -Infinity, Number.NaN, 1.5]) {
  test(`flags ${flags} are out of range`, (t) => {
    t.throws(() => memfdCreate('', flags), { code: 'ERR_OUT_OF_RANGE', instanceOf: RangeError })
  })
}

for (const flags of [null, '1', 1n, true, {}]) {
  test(`rejects flags of type ${typeof flags} (${String(flags)})`, (t) => {
    t.throws(() => memfdCreate('', flags as number), { code: 'ERR_INVALID_ARG_TYPE' })
  })
}

onLinux('all 32 bits of the flags reach the kernel, and unknown ones are EINVAL', (t) => {
  for (const flags of [0x20, 0x1000, MFD_CLOEXEC | 0x100, -1, 2 ** 32 - 1]) {
    t.throws(() => memfdCreate('', flags), { code: 'EINVAL' }, String(flags))
  }
})

for (const [name, size] of Object.entries(fdkit).filter(([name]) => /^MFD_HUGE_\d/.test(name))) {
  onLinux(`${name} without MFD_HUGETLB is EINVAL`, (t) => {
    t.throws(() => memfdCreate('', size as number), { code: 'EINVAL' })
    t.throws(() => memfdCreate('', (size as number) | MFD_CLOEXEC), { code: 'EINVAL' })
  })
}

onLinux('flags that the operator | made negative are converted to unsigned', (t) => {
  const negative = MFD_HUGETLB | MFD_HUGE_16GB
  t.true(negative < 0)
  // POWER is the only machine with pages of 16 GB on which Node.js runs.
  const hasThem = fs.existsSync('/sys/kernel/mm/hugepages/hugepages-16777216kB')
  for (const flags of [negative, negative >>> 0]) {
    let code
    try {
      memfd(t, '', flags)
    } catch (error) {
      code = (error as NodeJS.ErrnoException).code
    }
    t.is(code, hasThem ? undefined : 'ENODEV')
  }
})

withHugePages('a file of huge pages has a multiple of the page size, and write(2) fails', (t) => {
  const fd = memfd(t, 'huge', MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB)
  t.is(fs.fstatSync(fd).blksize, 2 ** 21)
  t.throws(() => fs.writeSync(fd, 'x'), { code: 'EINVAL' })
  t.throws(() => fs.ftruncateSync(fd, 4096), { code: 'EINVAL' })
  fs.ftruncateSync(fd, 2 ** 22)
  t.is(fs.fstatSync(fd).size, 2 ** 22)
})

function childSees(fd: number): boolean {
  const { stdout } = spawnSync('readlink', [`/proc/self/fd/${fd}`], { encoding: 'utf8' })
  return stdout.startsWith('/memfd:inheritance')
}

onLinux('the descriptor is not inherited by default, nor with MFD_CLOEXEC', (t) => {
  for (const flags of [undefined, MFD_CLOEXEC, MFD_CLOEXEC | MFD_ALLOW_SEALING]) {
    const fd = memfd(t, 'inheritance', flags)
    t.false(getInheritable(fd))
    t.false(childSees(fd))
  }
})

onLinux('children inherit the descriptor if the flags lack MFD_CLOEXEC', (t) => {
  for (const flags of [0, MFD_ALLOW_SEALING]) {
    const fd = memfd(t, 'inheritance', flags)
    t.true(getInheritable(fd))
    t.true(childSees(fd))
  }
})

onLinux('a child that reads an inherited descriptor moves the offset of both', (t) => {
  const fd = memfd(t)
  fs.writeSync(fd, 'abcdef', 0)
  const child = execFileSync('dd', ['bs=3', 'count=1', 'status=none'], { stdio: [fd, 'pipe', 'ignore'] })
  t.is(child.toString(), 'abc')
  const rest = Buffer.alloc(6)
  t.is(rest.toString('utf8', 0, fs.readSync(fd, rest)), 'def')
})

withPython('ftruncate reserves no memory, and fallocate does', (t) => {
  const fd = memfd(t)
  fs.ftruncateSync(fd, 2 ** 40)
  t.is(fs.fstatSync(fd).blocks, 0)
  python(fd, 'import os; os.posix_fallocate(3, 0, 1 << 20)')
  t.is(fs.fstatSync(fd).blocks, 2 ** 20 / 512)
})

onLinux('getSeals returns 0 at first, and then the seals that were added', (t) => {
  const fd = sealable(t)
  t.is(getSeals(fd), 0)
  t.is(addSeals(fd, F_SEAL_SHRINK), undefined)
  t.is(getSeals(fd), F_SEAL_SHRINK)
  addSeals(fd, F_SEAL_GROW | F_SEAL_SHRINK)
  t.is(getSeals(fd), F_SEAL_GROW | F_SEAL_SHRINK)
  addSeals(fd, 0)
  t.is(getSeals(fd), F_SEAL_GROW | F_SEAL_SHRINK)
})

onLinux('F_SEAL_SHRINK and F_SEAL_GROW forbid only shrinking and growing', (t) => {
  const fd = sealable(t)
  fs.writeSync(fd, 'abcdef')
  addSeals(fd, F_SEAL_SHRINK)
  t.throws(() => fs.ftruncateSync(fd, 3), { code: 'EPERM' })
  fs.ftruncateSync(fd, 9)
  addSeals(fd, F_SEAL_GROW)
  t.throws(() => fs.ftruncateSync(fd, 10), { code: 'EPERM' })
  t.throws(() => fs.writeSync(fd, 'x', 9), { code: 'EPERM' })
  fs.writeSync(fd, 'X', 0)
  t.is(fs.readFileSync(`/proc/self/fd/${fd}`, 'latin1'), 'Xbcdef\0\0\0')
})

onLinux('F_SEAL_WRITE and F_SEAL_FUTURE_WRITE forbid writing', (t) => {
  for (const seal of [F_SEAL_WRITE, F_SEAL_FUTURE_WRITE]) {
    const fd = sealable(t)
    fs.writeSync(fd, 'final')
    addSeals(fd, seal)
    t.is(getSeals(fd), seal)
    t.throws(() => fs.writeSync(fd, 'x', 0), { code: 'EPERM' })
    t.is(fs.readFileSync(`/proc/self/fd/${fd}`, 'utf8'), 'final')
  }
})

onLinux('no seal can be added after F_SEAL_SEAL', (t) => {
  const fd = sealable(t)
  addSeals(fd, F_SEAL_SEAL)
  t.throws(() => addSeals(fd, F_SEAL_WRITE), { code: 'EPERM' })
  t.is(getSeals(fd), F_SEAL_SEAL)
})

onLinux('without MFD_ALLOW_SEALING a file has F_SEAL_SEAL, and adding seals is EPERM', (t) => {
  const fd = memfd(t)
  t.is(getSeals(fd), F_SEAL_SEAL)
  const error = t.throws<NodeJS.ErrnoException>(() => addSeals(fd, F_SEAL_WRITE), { code: 'EPERM' })
  t.is(error?.message, 'EPERM: operation not permitted, fcntl')
  t.deepEqual(Object.keys(error ?? {}), ['errno', 'code', 'syscall'])
})

onLinux('a descriptor that cannot write cannot add seals', (t) => {
  const fd = sealable(t)
  const reader = fs.openSync(`/proc/self/fd/${fd}`, 'r')
  t.teardown(() => fs.closeSync(reader))
  t.throws(() => addSeals(reader, F_SEAL_WRITE), { code: 'EPERM' })
  t.is(getSeals(reader), 0)
})

onLinux('only seals protect a file, since a read-only descriptor can be reopened for writing', (t) => {
  const fd = sealable(t)
  const reader = fs.openSync(`/proc/self/fd/${fd}`, 'r')
  t.teardown(() => fs.closeSync(reader))
  const again = fs.openSync(`/proc/self/fd/${reader}`, 'r+')
  fs.writeSync(again, 'written')
  t.is(fs.readFileSync(reader, 'utf8'), 'written')
  addSeals(fd, F_SEAL_WRITE)
  t.throws(() => fs.writeSync(again, 'x'), { code: 'EPERM' })
  fs.closeSync(again)
})

withPython('F_SEAL_WRITE is EBUSY while a writable shared mapping exists', async (t) => {
  const fd = sealable(t)
  fs.ftruncateSync(fd, 4096)
  const holder = spawn(
    'python3',
    ['-c', 'import mmap, sys; held = mmap.mmap(3, 4096); print("held", flush=True); sys.stdin.read()'],
    { stdio: ['pipe', 'pipe', 'inherit', fd] },
  )
  await once(holder.stdout as NodeJS.ReadableStream, 'data')
  t.throws(() => addSeals(fd, F_SEAL_WRITE), { code: 'EBUSY' })
  t.is(getSeals(fd), 0)
  addSeals(fd, F_SEAL_FUTURE_WRITE)
  holder.stdin?.end()
  await once(holder, 'exit')
  addSeals(fd, F_SEAL_WRITE)
  t.is(getSeals(fd), F_SEAL_FUTURE_WRITE | F_SEAL_WRITE)
})

withPython('F_SEAL_WRITE allows only mappings that cannot change the file', (t) => {
  const fd = sealable(t)
  fs.ftruncateSync(fd, 4096)
  const readOnly = 'mmap.MAP_SHARED, mmap.PROT_READ'
  const privately = 'mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE'
  const shared = 'mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE'
  t.deepEqual(
    [readOnly, privately, shared].map((how) => mapping(fd, how)),
    ['fine', 'fine', 'fine'],
  )
  addSeals(fd, F_SEAL_WRITE)
  t.deepEqual(
    [readOnly, privately, shared].map((how) => mapping(fd, how)),
    ['fine', 'fine', 'EPERM'],
  )
})

const withExecSeals = unless(noExecSeals())

withExecSeals('MFD_NOEXEC_SEAL sets mode 0666 and F_SEAL_EXEC, and the file can never be executed', (t) => {
  const fd = memfd(t, '', MFD_NOEXEC_SEAL | MFD_CLOEXEC)
  t.is(fs.fstatSync(fd).mode & 0o7777, 0o666)
  t.is(getSeals(fd), F_SEAL_EXEC)
  t.throws(() => fs.fchmodSync(fd, 0o777), { code: 'EPERM' })
  fs.fchmodSync(fd, 0o600)
  addSeals(fd, F_SEAL_GROW)
  t.is(getSeals(fd), F_SEAL_EXEC | F_SEAL_GROW)
})

withExecSeals('MFD_EXEC sets mode 0777, and the file can be executed', (t) => {
  const fd = memfd(t, '', MFD_EXEC)
  t.is(fs.fstatSync(fd).mode & 0o7777, 0o777)
  t.is(getSeals(fd), F_SEAL_SEAL)
  fs.writeSync(fd, '#!/bin/sh\necho ran')
  t.is(execFileSync(`/proc/self/fd/${fd}`, { encoding: 'utf8' }), 'ran\n')
})

withExecSeals('MFD_NOEXEC_SEAL with MFD_EXEC is EINVAL', (t) => {
  t.throws(() => memfdCreate('', MFD_NOEXEC_SEAL | MFD_EXEC), { code: 'EINVAL' })
})

withExecSeals('F_SEAL_EXEC on an executable file also adds the other seals', (t) => {
  const fd = memfd(t, '', MFD_EXEC | MFD_ALLOW_SEALING)
  addSeals(fd, F_SEAL_EXEC)
  const brought = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE
  t.is(getSeals(fd), F_SEAL_EXEC | brought)
})

onLinux('an unknown seal is EINVAL, and none of the known ones is added', (t) => {
  const fd = sealable(t)
  for (const seals of [0x40, F_SEAL_GROW | 0x8000, -1, -(2 ** 31), 2 ** 32 - 1]) {
    t.throws(() => addSeals(fd, seals), { code: 'EINVAL' }, String(seals))
  }
  t.is(getSeals(fd), 0)
})

for (const seals of [2 ** 32, -(2 ** 31) - 1, 0.5, Number.NaN, Infinity]) {
  test(`seals ${seals} are out of range`, (t) => {
    t.throws(() => addSeals(0, seals), {
      code: 'ERR_OUT_OF_RANGE',
      message: /^The value of "seals" is out of range\. It must be /,
    })
  })
}

unless(notLinux || missing('strace'))('getSeals keeps unknown bits', (t) => {
  const script = `
    import { getSeals, memfdCreate } from 'fdkit'
    console.log(getSeals(memfdCreate('watched')))
  `
  const answer = '-einject=fcntl:retval=0x40000421'
  const node = [process.execPath, '--input-type=module', '-e', script]
  const strace = ['-f', '-qq', '-o', '/dev/null', '-P', '/memfd:watched', '-e', 'trace=fcntl', answer]
  t.is(execFileSync('strace', [...strace, ...node], { encoding: 'utf8' }), `${0x40000421}\n`)
})

onLinux('seals of a file that is not in memory are EINVAL', (t) => {
  const fd = fs.openSync('/dev/null', 'r+')
  t.teardown(() => fs.closeSync(fd))
  t.throws(() => getSeals(fd), { code: 'EINVAL' })
  t.throws(() => addSeals(fd, F_SEAL_SEAL), { code: 'EINVAL' })
})

onLinux('seals of a descriptor that is not open are EBADF', (t) => {
  for (const fd of [2 ** 31 - 1, 1_000_000]) {
    t.throws(() => getSeals(fd), { code: 'EBADF', message: 'EBADF: bad file descriptor, fcntl' })
    t.throws(() => addSeals(fd, F_SEAL_SEAL), { code: 'EBADF' })
  }
})
