// Tests mmap and munmap: offsets and lengths, contents, and the lifetime of buffers.
import * as fs from 'node:fs'

import type { ExecutionContext } from 'ava'
import { F_SEAL_SHRINK, getpagesize, getSeals, Memfd, mmap, munmap, type MmapOptions } from 'fdkit'

import { child } from '../helpers/child.js'
import { thrown } from '../helpers/errors.js'
import { emulated, notLinux, unless } from '../helpers/platform.js'
import { noCompiler, preloading } from '../helpers/preload.js'

const onLinux = unless(notLinux)
const PAGE = notLinux ? 4096 : getpagesize()

/** Creates a file whose bytes depend on their position. */
function made(t: ExecutionContext, size: number): Memfd {
  const contents = Uint8Array.from({ length: size }, (_, at) => (at % 251) + 1)
  const memfd = Memfd.create('mapped', { contents })
  t.teardown(() => memfd.close())
  return memfd
}

const offsets = [0, PAGE, 2 * PAGE]
const lengths = [1, 2, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1, 3 * PAGE]

onLinux('maps every offset and length around page boundaries, in files of such sizes', (t) => {
  for (const size of [1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE - 1, 3 * PAGE]) {
    const { fd } = made(t, size)
    for (const offset of offsets)
      for (const length of [undefined, ...lengths]) {
        const words = `${size} ${offset} ${length}`
        const map = () => mmap(fd, { offset, length })
        if (offset >= size) {
          t.like(
            thrown(map),
            {
              code: 'ERR_OUT_OF_RANGE',
              message: `The value of "options.offset" is out of range. It must be < ${size}. Received ${offset}`,
            },
            words,
          )
        } else if (length !== undefined && length > size - offset) {
          t.like(
            thrown(map),
            {
              code: 'ERR_OUT_OF_RANGE',
              message: `The value of "options.length" is out of range. It must be <= ${size - offset}. Received ${length}`,
            },
            words,
          )
        } else {
          const buffer = map()
          t.is(buffer.byteLength, length ?? size - offset, words)
          const file = Buffer.alloc(buffer.byteLength)
          fs.readSync(fd, file, 0, file.length, offset)
          t.true(file.equals(new Uint8Array(buffer)), words)
          munmap(buffer)
        }
      }
  }
})

onLinux('bytes beyond the end of the file are not part of the buffer', (t) => {
  const memfd = made(t, PAGE + 1)
  const buffer = mmap(memfd.fd)
  t.is(buffer.byteLength, PAGE + 1)
  memfd.truncate(2 * PAGE)
  // The buffer keeps its length when the file grows.
  t.is(buffer.byteLength, PAGE + 1)
  t.is(mmap(memfd.fd).byteLength, 2 * PAGE)
  t.is(memfd.read(Buffer.alloc(1), PAGE + 1)[0], 0)
})

onLinux('an empty range is EINVAL', (t) => {
  const memfd = Memfd.create('empty')
  t.teardown(() => memfd.close())
  for (const options of [{}, { writable: false }, { length: 1 }, { offset: PAGE }]) {
    t.throws(() => mmap(memfd.fd, options), {
      code: 'EINVAL',
      message: 'EINVAL: invalid argument, mmap: the file is empty',
    })
  }
})

const wrong: [options: unknown, code: string, message: RegExp][] = [
  [null, 'TYPE', /"options" argument must be of type object/],
  [5, 'TYPE', /"options" argument/],
  [{ offset: 1 }, 'RANGE', /"options.offset" is out of range\. It must be a multiple of \d+\. Received 1/],
  [{ offset: PAGE - 1 }, 'RANGE', /"options.offset"/],
  [{ offset: -PAGE }, 'RANGE', /"options.offset"/],
  [{ offset: 2 ** 53 }, 'RANGE', /"options.offset"/],
  [{ offset: '0' }, 'TYPE', /"options.offset" property/],
  [{ offset: null }, 'TYPE', /"options.offset"/],
  [{ length: 0 }, 'RANGE', /"options.length" is out of range\. It must be >= 1/],
  [{ length: -1 }, 'RANGE', /"options.length"/],
  [{ length: 1.5 }, 'RANGE', /"options.length"/],
  [{ length: 2n }, 'TYPE', /"options.length"/],
  [{ writable: 1 }, 'TYPE', /"options.writable" property must be of type boolean/],
  [{ allowShrink: 'yes' }, 'TYPE', /"options.allowShrink"/],
]

onLinux('invalid arguments are errors before anything is mapped or sealed', (t) => {
  const { fd } = made(t, PAGE)
  const seals = getSeals(fd)
  for (const [options, code, message] of wrong) {
    const expected = code === 'TYPE' ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE'
    t.throws(() => mmap(fd, options as MmapOptions), { code: expected, message })
  }
  t.throws(() => mmap(-1), { code: 'ERR_OUT_OF_RANGE', message: /^The value of "fd"/ })
  t.throws(() => mmap('3' as never), { code: 'ERR_INVALID_ARG_TYPE', message: /^The "fd" argument/ })
  t.is(getSeals(fd), seals)
  t.throws(() => mmap(999_999), { code: 'EBADF', message: 'EBADF: bad file descriptor, fcntl' })
  t.throws(() => mmap(999_999, { allowShrink: true }), {
    code: 'EBADF',
    message: 'EBADF: bad file descriptor, fstat',
  })
})

onLinux('mmap adds F_SEAL_SHRINK, except with allowShrink: true', (t) => {
  const memfd = made(t, 10)
  munmap(mmap(memfd.fd, { allowShrink: true }))
  t.is(getSeals(memfd.fd) & F_SEAL_SHRINK, 0)
  munmap(mmap(memfd.fd, { allowShrink: false }))
  t.is(getSeals(memfd.fd) & F_SEAL_SHRINK, F_SEAL_SHRINK)
})

onLinux('mappings and file operations see the same contents', (t) => {
  const memfd = made(t, 2 * PAGE)
  const one = new Uint8Array(mmap(memfd.fd))
  const other = new Uint8Array(mmap(memfd.fd, { offset: PAGE }))
  one[PAGE] = 200
  t.is(other[0], 200)
  fs.writeSync(memfd.fd, Buffer.from([201]), 0, 1, PAGE)
  t.deepEqual([one[PAGE], other[0]], [201, 201])
  other[1] = 202
  t.is(memfd.read(Buffer.alloc(2), PAGE)[1], 202)
})

onLinux('a mapping outlives its descriptor', (t) => {
  const memfd = Memfd.create('gone', { contents: 'text' })
  const buffer = mmap(memfd.fd)
  memfd.close()
  const next = fs.openSync('/dev/null', 'r')
  t.teardown(() => fs.closeSync(next))
  t.is(Buffer.from(buffer).toString(), 'text')
  new Uint8Array(buffer)[0] = 84
  t.is(Buffer.from(buffer).toString(), 'Text')
  munmap(buffer)
})

onLinux('munmap sets the length of the buffer and its views to 0, and writes are ignored', (t) => {
  const memfd = made(t, 16)
  const buffer = mmap(memfd.fd)
  const views = [new Uint8Array(buffer), new Int32Array(buffer, 4, 2), Buffer.from(buffer, 1, 3)]
  const view = new DataView(buffer)
  munmap(buffer)
  t.is(buffer.byteLength, 0)
  for (const each of views) {
    t.deepEqual([each.length, each.byteLength, each.byteOffset], [0, 0, 0])
    each[0] = 77
  }
  t.throws(() => view.setInt8(0, 1), { instanceOf: TypeError })
  t.throws(() => new Uint8Array(buffer), { instanceOf: TypeError })
  t.deepEqual([...memfd.read(Buffer.alloc(6))], [1, 2, 3, 4, 5, 6])
})

onLinux('munmap rejects a buffer that is already unmapped or did not come from mmap', (t) => {
  const memfd = made(t, 16)
  const buffer = mmap(memfd.fd)
  munmap(buffer)
  const message = /^The argument 'buffer' must be mapped, by mmap\. Received ArrayBuffer/
  const foreign = [
    buffer,
    new ArrayBuffer(8),
    new ArrayBuffer(0),
    mmap(memfd.fd).slice(0),
    Buffer.alloc(9000).buffer,
  ]
  for (const each of foreign) {
    const { byteLength } = each
    t.throws(() => munmap(each), { code: 'ERR_INVALID_ARG_VALUE', instanceOf: TypeError, message })
    t.is(each.byteLength, byteLength)
  }
  const noBuffers = [new Uint8Array(mmap(memfd.fd)), new SharedArrayBuffer(8), null, undefined, 5, {}, 'text']
  for (const each of noBuffers) {
    t.throws(() => munmap(each as ArrayBuffer), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "buffer" argument must be an instance of ArrayBuffer\. Received /,
    })
  }
})

onLinux('munmap unmaps only its own mapping, in any order, a thousand times', (t) => {
  const memfd = Memfd.create('thousand', { size: 3 * PAGE, contents: '\x01' })
  t.teardown(() => memfd.close())
  const kept = mmap(memfd.fd)
  const count = () => fs.readFileSync('/proc/self/maps', 'latin1').split('/memfd:thousand').length - 1
  const before = count()
  for (let round = 0; round < 1000; round++) {
    const buffers = offsets.map((offset) => mmap(memfd.fd, { offset, length: 1 }))
    for (const buffer of round % 2 ? buffers : buffers.toReversed()) munmap(buffer)
  }
  t.is(count(), before)
  t.is(new Uint8Array(kept)[0], 1)
})

// Mappings are counted in a child process, which has no others of this name.
const maps = `
  const maps = () => fs.readFileSync('/proc/self/maps', 'latin1').split('/memfd:counted').length - 1
  const page = fdkit.getpagesize()
  const memfd = fdkit.Memfd.create('counted', { size: 2 * page + 1000 })
  const collect = async (most) => {
    for (let round = 0; round < 50 && maps() > most; round++) {
      globalThis.gc()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
`

onLinux('a garbage-collected buffer is unmapped, and one with a live view is not', (t) => {
  const script = `${maps}
    const kept = new Uint8Array(fdkit.mmap(memfd.fd, { writable: false }))
    for (let i = 0; i < 100; i++) fdkit.mmap(memfd.fd, { writable: i % 2 === 0, offset: (i % 3) * page })
    const most = maps()
    // A private mapping has a second one for its futex words.
    await collect(2)
    answer([most > 10, maps(), kept.length - 2 * page])
  `
  t.deepEqual(child(script, { nodeArguments: ['--expose-gc'] }), [true, 2, 1000])
})

onLinux('a failed call leaves no mapping', (t) => {
  const script = `${maps}
    const huge = fdkit.memfdCreate('counted', fdkit.MFD_ALLOW_SEALING)
    fs.ftruncateSync(huge, 2 ** 50)
    const codes = []
    for (const attempt of [
      () => fdkit.mmap(memfd.fd, { offset: page * 9 }),
      () => fdkit.mmap(huge),
      () => process.version.startsWith('v20.') ? fdkit.mmap(huge, { length: 2 ** 33 }) : fdkit.mmap(-1),
    ]) try { attempt() } catch ({ code }) { codes.push(code) }
    answer([codes.length, maps()])
  `
  t.deepEqual(child(script), [3, 0])
})

// A system that keeps memory files in huge pages has few page faults anyway.
const shmem = '/sys/kernel/mm/transparent_hugepage/shmem_enabled'
const isInSmallPages = !fs.existsSync(shmem) || /\[(never|advise|deny)\]/.test(fs.readFileSync(shmem, 'utf8'))

unless(notLinux || emulated)('populate prefaults all pages and copies none', (t) => {
  const [[lazily, isShared], ...populated] = child<[number, boolean][]>('memory/count-faults.mjs') as [
    [number, boolean],
    [number, boolean],
  ]
  t.true(isShared)
  for (const [faults, isShared] of populated) {
    t.true(isShared)
    // A few faults remain, for example those of the garbage collector.
    if (isInSmallPages) t.true(faults < lazily / 2, `${faults} of ${lazily}`)
  }
})

unless(noCompiler)('too many mappings are ENOMEM, and a later mapping works', (t) => {
  const script = `${maps}
    process.env.FAILING_MMAPS = '3'
    const attempt = (options) => {
      try { return fdkit.mmap(memfd.fd, options).byteLength } catch ({ message }) { return message }
    }
    answer([{}, { writable: true }, { writable: false }, {}].map(attempt))
  `
  const message = 'ENOMEM: not enough memory, mmap'
  t.deepEqual(child(script, preloading(t, 'memory/failing-mmap.c')), [
    message,
    message,
    message,
    2 * PAGE + 1000,
  ])
})
