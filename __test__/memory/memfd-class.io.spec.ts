// Tests the members of Memfd for its file: path, size, read, write and seals.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import { addSeals, F_SEAL_WRITE, getSeals, Memfd, type MemfdOptions, type Seal } from 'fdkit'

import { child } from '../helpers/child.js'
import { thrown } from '../helpers/errors.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { noExecSeals } from '../helpers/seals.js'
import { noStrace, straced } from '../helpers/strace.js'

const onLinux = unless(notLinux)

function made(t: ExecutionContext, options?: MemfdOptions): Memfd {
  const memfd = Memfd.create('test', options)
  t.teardown(() => memfd.close())
  return memfd
}

const outOfRange = (name: string, range: string, value: number) => ({
  code: 'ERR_OUT_OF_RANGE',
  message: `The value of "${name}" is out of range. It must be ${range}. Received ${value}`,
})

onLinux('another process can open the path, and has its own offset', (t) => {
  const memfd = made(t, { contents: 'some text' })
  t.is(memfd.path, `/proc/${process.pid}/fd/${memfd.fd}`)
  t.is(execFileSync('cat', [memfd.path], { encoding: 'utf8' }), 'some text')
  execFileSync('bash', ['-c', 'printf more >> "$1"', 'bash', memfd.path])
  t.is(memfd.read().toString(), 'some textmore')
})

onLinux('size is the current size, even if another descriptor changed it', (t) => {
  const memfd = made(t, { contents: 'abc' })
  fs.ftruncateSync(memfd.fd, 10)
  t.is(memfd.size, 10)
  memfd.write('x', 99)
  t.is(memfd.size, 100)
})

onLinux('truncate shrinks or extends the file, and empties it without an argument', (t) => {
  const memfd = made(t, { contents: 'abcdef' })
  memfd.truncate(3)
  t.is(memfd.read().toString(), 'abc')
  memfd.truncate(5)
  t.is(memfd.read().toString(), 'abc\0\0')
  memfd.truncate()
  t.is(memfd.size, 0)
  // truncate reserves no memory.
  memfd.truncate(2 ** 40)
  t.is(memfd.size, 2 ** 40)
  t.is(fs.fstatSync(memfd.fd).blocks, 0)
  for (const size of [-1, 1.5, Number.NaN, 2 ** 53]) {
    t.throws(() => memfd.truncate(size), { code: 'ERR_OUT_OF_RANGE', message: /^The value of "size"/ })
  }
  t.throws(() => memfd.truncate('1' as never), { code: 'ERR_INVALID_ARG_TYPE' })
})

onLinux('read returns the whole file, the rest of it, or as much as the buffer holds', (t) => {
  const memfd = made(t, { contents: 'abcdef' })
  t.is(memfd.read().toString(), 'abcdef')
  t.is(memfd.read(undefined, 2).toString(), 'cdef')
  t.is(memfd.read(undefined, 6).length, 0)
  const buffer = Buffer.alloc(3)
  t.is(memfd.read(buffer), buffer)
  t.is(buffer.toString(), 'abc')
  const whole = new Uint8Array(8)
  t.is(memfd.read(new DataView(whole.buffer, 2, 4), 1).byteLength, 4)
  t.deepEqual([...whole], [0, 0, ...Buffer.from('bcde'), 0, 0])
  t.deepEqual([...memfd.read(new Uint16Array(1))], [0x6261])
  t.is(Buffer.from(memfd.read(new Uint8Array(new SharedArrayBuffer(2)), 4)).toString(), 'ef')
  t.is(memfd.read(Buffer.alloc(0), 6).length, 0)
})

onLinux('read beyond the end is an error that contains the available size', (t) => {
  const memfd = made(t, { contents: 'abcdef' })
  const untouched = Buffer.alloc(7, 'x')
  t.throws(() => memfd.read(untouched), outOfRange('buffer.byteLength', '<= 6', 7))
  t.throws(() => memfd.read(Buffer.alloc(5), 2), outOfRange('buffer.byteLength', '<= 4', 5))
  t.throws(() => memfd.read(Buffer.alloc(1), 6), outOfRange('buffer.byteLength', '<= 0', 1))
  t.throws(() => memfd.read(Buffer.alloc(1), 7), outOfRange('position', '>= 0 && <= 6', 7))
  t.throws(() => memfd.read(Buffer.alloc(0), 7), outOfRange('position', '>= 0 && <= 6', 7))
  t.throws(() => memfd.read(undefined, 7), outOfRange('position', '>= 0 && <= 6', 7))
  t.is(untouched.toString(), 'xxxxxxx')
})

onLinux('read and write reject invalid arguments', (t) => {
  const memfd = made(t, { contents: 'abcdef' })
  for (const buffer of ['text', 5, null, [], new ArrayBuffer(2)]) {
    t.throws(() => memfd.read(buffer as never), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "buffer" argument must be an instance of Buffer, TypedArray, or DataView\./,
    })
  }
  for (const data of [5, null, undefined, [], {}]) {
    t.throws(() => memfd.write(data as never), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "data" argument/,
    })
  }
  for (const position of [-1, 0.5, Number.NaN, 2 ** 53]) {
    t.throws(() => memfd.read(Buffer.alloc(1), position), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => memfd.write('x', position), {
      code: 'ERR_OUT_OF_RANGE',
      message: /^The value of "position"/,
    })
  }
  for (const position of ['0', 0n, null]) {
    t.throws(() => memfd.read(Buffer.alloc(1), position as never), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => memfd.write('x', position as never), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  t.is(memfd.read().toString(), 'abcdef')
})

onLinux('read and write do not move the offset of the descriptor', (t) => {
  const memfd = made(t, { contents: 'abcdef' })
  memfd.read()
  memfd.write('X', 5)
  const bytes = Buffer.alloc(6)
  t.is(fs.readSync(memfd.fd, bytes), 6)
  t.is(bytes.toString(), 'abcdeX')
})

onLinux('write accepts a position, even beyond the end, and empty data', (t) => {
  const memfd = made(t, { contents: 'abcdef' })
  memfd.write('XY', 2)
  t.is(memfd.read().toString(), 'abXYef')
  memfd.write('Z', 8)
  t.is(memfd.read().toString(), 'abXYef\0\0Z')
  memfd.write('', 100)
  t.is(memfd.size, 9)
})

onLinux('read and write accept positions over 2 GiB and 4 GiB', (t) => {
  const memfd = made(t)
  for (const position of [2 ** 31 - 2, 2 ** 31, 2 ** 32 - 1, 2 ** 32 + 5, 2 ** 40]) {
    memfd.write('text', position)
    t.is(memfd.size, position + 4)
    t.is(memfd.read(Buffer.alloc(4), position).toString(), 'text')
  }
  t.deepEqual(memfd.read(Buffer.alloc(2), 2 ** 35), Buffer.alloc(2))
})

unless(noStrace)('read and write continue after short transfers and interrupts', (t) => {
  const script = `
    const memfd = fdkit.Memfd.create('pieces', { contents: 'abcdefghij', size: 20 })
    memfd.write('XYZ', 10)
    answer(memfd.read().toString())
  `
  // The first call of each is interrupted.
  const inject = ['pread64', 'pwrite64'].flatMap((call) => ['-e', `inject=${call}:error=EINTR:when=1`])
  const only = ['-P', '/memfd:pieces', '-e', 'trace=pread64,pwrite64', ...inject]
  const { answer, calls } = straced<string>(t, script, only)
  t.is(answer, 'abcdefghijXYZ\0\0\0\0\0\0\0')
  t.is(calls.filter((call) => call.includes('EINTR')).length, 2)
})

unless(notLinux || missing('bash'))(
  'read throws if the file shrinks during the call, and returns no partial buffer',
  (t) => {
    const memfd = made(t, { contents: 'abcdef' })
    const reader = Memfd.from(fs.openSync(memfd.path, 'r'))
    t.teardown(() => reader.close())
    memfd.truncate(2)
    t.throws(() => reader.read(Buffer.alloc(3)), { code: 'ERR_OUT_OF_RANGE' })
  },
)

const seals: Seal[] = ['seal', 'shrink', 'grow', 'write', 'futureWrite', 'exec']
const born: Seal[] = noExecSeals() ? [] : ['exec']

onLinux('each seal can be added by its name, and is then listed', (t) => {
  for (const [bit, seal] of seals.entries()) {
    if (seal === 'exec' && noExecSeals()) continue
    const memfd = made(t)
    t.deepEqual(memfd.seals, born)
    t.is(memfd.seal(seal), undefined)
    t.deepEqual(
      memfd.seals,
      seals.filter((each) => each === seal || born.includes(each)),
    )
    t.truthy(getSeals(memfd.fd) & (1 << bit))
  }
})

onLinux(
  'several seals can be added together, are listed in a fixed order, and no seals change nothing',
  (t) => {
    const memfd = made(t)
    memfd.seal()
    t.deepEqual(memfd.seals, born)
    memfd.seal('write', 'shrink', 'write')
    t.deepEqual(memfd.seals, ['shrink', 'write', ...born])
    memfd.seal('seal')
    t.throws(() => memfd.seal('grow'), { code: 'EPERM', message: 'EPERM: operation not permitted, fcntl' })
  },
)

onLinux('an unknown name of a seal is an error, and no seal is added', (t) => {
  const memfd = made(t)
  const names = "'seal', 'shrink', 'grow', 'write', 'futureWrite', 'exec'"
  for (const seal of [
    'WRITE',
    '',
    'toString',
    '__proto__',
    4,
    null,
    undefined,
    Symbol('write'),
    ['write'],
    {},
  ]) {
    const error = thrown(() => memfd.seal('grow', seal as Seal))
    t.is(error.code, 'ERR_INVALID_ARG_VALUE')
    t.true(error.message.startsWith(`The argument 'seals' must be one of ${names}. Received `), error.message)
  }
  t.deepEqual(memfd.seals, born)
})

onLinux('operations that a seal forbids are EPERM', (t) => {
  const memfd = made(t, { contents: 'final' })
  memfd.seal('write', 'shrink', 'grow')
  t.throws(() => memfd.write('!'), { code: 'EPERM', message: 'EPERM: operation not permitted, pwrite' })
  t.throws(() => memfd.truncate(1), { code: 'EPERM', message: 'EPERM: operation not permitted, ftruncate' })
  t.throws(() => memfd.truncate(9), { code: 'EPERM' })
  t.is(memfd.read().toString(), 'final')
})

onLinux('the seal write is EBUSY while a writable mapping exists, and the error says so', (t) => {
  const memfd = made(t, { contents: 'text' })
  const buffer = memfd.map()
  t.throws(() => memfd.seal('grow', 'write'), {
    code: 'EBUSY',
    message: 'EBUSY: resource busy or locked, fcntl: a writable mapping exists, in this or another process',
  })
  t.deepEqual(memfd.seals, ['shrink', ...born])
  memfd.unmap(buffer)
  memfd.seal('grow', 'write')
  t.is(getSeals(memfd.fd) & F_SEAL_WRITE, F_SEAL_WRITE)
})

onLinux('a Memfd from a read-only descriptor has seals but cannot add any', (t) => {
  const memfd = made(t, { contents: 'text' })
  const reader = Memfd.from(fs.openSync(memfd.path, 'r'))
  t.teardown(() => reader.close())
  t.is(reader.read().toString(), 'text')
  t.throws(() => reader.write('x'), { code: 'EBADF', message: /, pwrite$/ })
  t.throws(() => reader.seal('write'), { code: 'EPERM' })
  t.throws(() => reader.truncate(), { code: 'EINVAL', message: /, ftruncate$/ })
  addSeals(memfd.fd, F_SEAL_WRITE)
  t.deepEqual(reader.seals, ['write', ...born])
})

test('the constructor of Memfd throws', (t) => {
  const Constructor = Memfd as unknown as new (...args: unknown[]) => Memfd
  for (const args of [[], [undefined, 0], [Symbol('own'), 0]]) {
    t.throws(() => new Constructor(...args), {
      code: 'ERR_ILLEGAL_CONSTRUCTOR',
      instanceOf: TypeError,
      message: 'Illegal constructor',
    })
  }
  class Mine extends Constructor {}
  t.throws(() => new Mine(), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
})

onLinux('methods called on another object throw and never crash', (t) => {
  const memfd = made(t)
  for (const name of ['read', 'write', 'seal', 'map', 'close', 'truncate'] as const) {
    t.throws(() => (memfd[name] as () => unknown).call({}), { instanceOf: Error })
  }
})

onLinux('blob copies a file in pieces', async (t) => {
  const memfd = made(t)
  const size = 2 ** 26 + 10
  memfd.truncate(size)
  memfd.write('start')
  memfd.write('around the end of a ', 2 ** 26 - 10)
  const blob = memfd.blob({ type: 'text/plain' })
  memfd.truncate(0)
  t.is(blob.size, size)
  t.is(blob.type, 'text/plain')
  t.is(await blob.slice(0, 5).text(), 'start')
  t.is(await blob.slice(2 ** 26 - 10).text(), 'around the end of a ')
  t.is(memfd.blob().size, 0)
})

onLinux('blob of a file of 4 GiB is an error that names stream', (t) => {
  const memfd = made(t)
  memfd.truncate(2 ** 32)
  t.throws(() => memfd.blob(), {
    code: 'ERR_OUT_OF_RANGE',
    message:
      'The value of "memfd.size" is out of range. It must be <= 4294967295 for a Blob; stream() has no limit. ' +
      'Received 4294967296',
  })
})

onLinux('stream takes no arguments', (t) => {
  const memfd = made(t)
  const stream = memfd.stream.bind(memfd) as (...args: unknown[]) => unknown
  t.notThrows(() => stream(undefined))
  t.notThrows(() => stream({}))
  t.throws(() => stream({ start: 5 }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /'options\.start' is not an option of Memfd\.stream, which has none/,
  })
  t.throws(() => stream(5), { code: 'ERR_INVALID_ARG_TYPE', message: /"options"/ })
})

onLinux('reading a file that is larger than any Buffer is an error that says so', (t) => {
  const script = `
    const memfd = fdkit.Memfd.create('large')
    memfd.truncate(2 ** 45)
    try { memfd.read() } catch ({ name, code, message }) { answer([name, code ?? message]) }
  `
  const [name, why] = child<string[]>(script)
  t.is(name, 'RangeError')
  // The codes of Node differ between its versions; Node 22 has V8's message without a code.
  t.regex(
    why ?? '',
    /^ERR_(OUT_OF_RANGE|INVALID_ARG_VALUE|MEMORY_ALLOCATION_FAILED)$|^Array buffer allocation failed$/,
  )
})
