// Tests memory that runs out, and huge pages. The tests change settings of the machine and restore them,
// so they run one after the other.
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import {
  F_SEAL_SHRINK,
  getpagesize,
  getSeals,
  hugePageSizes,
  Memfd,
  mmap,
  munmap,
  type MemfdOptions,
} from 'fdkit'

import { child } from '../helpers/child.js'
import { startOther } from '../helpers/other.js'
import { countFds } from '../helpers/fds.js'
import { HUGE, hugePages, limited, noHuge, noLimit, withHugePages } from '../helpers/memory.js'
import { missing, notLinux, notRoot, unless } from '../helpers/platform.js'

const onLinux = unless(notLinux, test.serial)
const withLimit = unless(noLimit, test.serial)
const withHuge = unless(noHuge, test.serial)

const NO_SPACE = 'ENOSPC: no space left on device, fallocate'
const TOO_FEW =
  ': too few huge pages of this size are reserved: write the number you need to ' +
  'nr_hugepages in /sys/kernel/mm/hugepages/hugepages-*kB'

onLinux('a size that no machine has is ENOSPC immediately, and nothing is leaked', (t) => {
  const before = countFds()
  for (const size of [2 ** 46, 2 ** 50, 2 ** 53 - 1]) {
    t.throws(() => Memfd.create('', { size }), { code: 'ENOSPC', message: NO_SPACE })
  }
  t.is(countFds(), before)
})

// The kernel would kill the process if it exceeded the limit.
const within = 'memory/within-limit.mjs'

withLimit('a size beyond the limit of the control group is ENOSPC, and one within it works', (t) => {
  t.deepEqual(child(within, limited(t, 2 ** 28)), [true, NO_SPACE, true])
})

withLimit('memory that the group can reclaim counts as free', (t) => {
  t.is(child('memory/reclaimable.mjs', limited(t, 2 ** 28)), 2 ** 27)
})

onLinux('hugePageSizes returns the sizes of the machine in ascending order', (t) => {
  const sizes = hugePageSizes()
  t.deepEqual(
    sizes,
    sizes.toSorted((a, b) => a - b),
  )
  const directory = '/sys/kernel/mm/hugepages'
  t.is(sizes.length, fs.existsSync(directory) ? fs.readdirSync(directory).length : 0)
  for (const size of sizes) t.true(fs.existsSync(`${directory}/hugepages-${size / 1024}kB`))
})

const has2MB = hugePageSizes().includes(HUGE)

unless(!has2MB && 'needs huge pages of 2 MB', test.serial)(
  'a size of huge pages that the machine lacks is ENODEV, and the error lists the sizes it has',
  (t) => {
    const sizes = hugePageSizes()
    const lacking = [2 ** 16, 2 ** 20, 2 ** 34].find((size) => !sizes.includes(size)) ?? 0
    t.throws(() => Memfd.create('', { hugePageSize: lacking }), {
      code: 'ENODEV',
      message:
        `ENODEV: no such device, memfd_create: this machine has no huge pages of ${lacking} bytes, ` +
        `only of ${sizes.join(' and ')}`,
    })
  },
)

withHuge(
  'huge pages: without reserved pages create is ENOSPC and mmap is ENOMEM, and the error says what to do',
  (t) => {
    const before = countFds()
    const options = [{ size: HUGE }, { contents: 'text' }, { size: 2 * HUGE, sealing: false }]
    for (const each of options) {
      t.throws(() => Memfd.create('', { hugePageSize: HUGE, ...each }), { message: NO_SPACE + TOO_FEW })
    }
    t.is(countFds(), before)
    const memfd = huge(t)
    t.is(memfd.size, 0)
    memfd.truncate(HUGE)
    const message = `ENOMEM: not enough memory, mmap${TOO_FEW}`
    for (const each of [{}, { writable: false }, { writable: true }]) {
      t.throws(() => memfd.map(each), { code: 'ENOMEM', message })
    }
    t.throws(() => memfd.write('x'), { code: 'ENOMEM', message })
    t.deepEqual(memfd.read(Buffer.alloc(3)), Buffer.alloc(3))
  },
)

function huge(t: ExecutionContext, options?: MemfdOptions): Memfd {
  const memfd = Memfd.create('huge', { hugePageSize: HUGE, ...options })
  t.teardown(() => memfd.close())
  return memfd
}

withHuge('huge pages: contents are stored in whole pages, with and without seals', (t) => {
  withHugePages(t, 4)
  for (const options of [{}, { sealing: false }, { exec: true }, { inheritable: true }]) {
    const memfd = huge(t, { contents: 'text', ...options })
    t.is(memfd.size, HUGE)
    t.is(fs.fstatSync(memfd.fd).blksize, HUGE)
    t.is(memfd.read(Buffer.alloc(6)).toString(), 'text\0\0')
    t.is(hugePages('free'), 3)
    memfd.close()
    t.is(hugePages('free'), 4)
  }
  t.is(huge(t, { contents: Buffer.alloc(HUGE + 1) }).size, 2 * HUGE)
  t.is(hugePages('free'), 2)
  t.throws(() => Memfd.create('', { hugePageSize: HUGE, size: 3 * HUGE }), { message: NO_SPACE + TOO_FEW })
  t.is(hugePages('free'), 2)
})

withHuge('huge pages: read and write work as in other files, but write does not extend the file', (t) => {
  withHugePages(t, 2)
  const memfd = huge(t, { size: 2 * HUGE })
  memfd.write('over the edge', HUGE - 4)
  t.is(memfd.read(Buffer.alloc(13), HUGE - 4).toString(), 'over the edge')
  memfd.write('end', 2 * HUGE - 3)
  t.is(memfd.read(undefined, 2 * HUGE - 3).toString(), 'end')
  memfd.write('')
  const range = (name: string, most: number, value: number) => ({
    code: 'ERR_OUT_OF_RANGE',
    message: new RegExp(
      `^The value of "${name}" is out of range\\. It must be .*<= ${most}\\. Received ${value}`,
    ),
  })
  t.throws(() => memfd.write('end!', 2 * HUGE - 3), range('data.byteLength', 3, 4))
  t.throws(() => memfd.write('x', 2 * HUGE + 1), range('position', 2 * HUGE, 2 * HUGE + 1))
  t.throws(() => memfd.write(Buffer.alloc(2 * HUGE + 1)), range('data.byteLength', 2 * HUGE, 2 * HUGE + 1))
  memfd.seal('write')
  t.throws(() => memfd.write('x'), { code: 'EPERM' })
})

withHuge('huge pages: the file can be mapped from offsets of whole pages', (t) => {
  withHugePages(t, 3)
  const memfd = huge(t, { size: 2 * HUGE, contents: 'text' })
  const [whole, last, few] = [memfd.map(), memfd.map({ offset: HUGE }), memfd.map({ length: 5 })]
  t.deepEqual(
    [whole, last, few].map((each) => each.byteLength),
    [2 * HUGE, HUGE, 5],
  )
  t.is(Buffer.from(few).toString(), 'text\0')
  new Uint8Array(last)[0] = 1
  t.is(new Uint8Array(whole)[HUGE], 1)
  t.is(memfd.read(Buffer.alloc(1), HUGE)[0], 1)
  const privately = memfd.map({ writable: false, length: 1 })
  new Uint8Array(privately)[0] = 2
  t.is(memfd.read(Buffer.alloc(1)).toString(), 't')
  t.throws(() => memfd.map({ offset: getpagesize() }), {
    code: 'EINVAL',
    message:
      'EINVAL: invalid argument, mmap: in a file in huge pages, the offset must be a multiple of their size',
  })
  t.throws(() => memfd.truncate(HUGE), { code: 'EPERM' })
  for (const buffer of [whole, last, few, privately]) memfd.unmap(buffer)
  memfd.seal('write')
  const sealed = new Uint8Array(memfd.map({ length: 1 }))
  sealed[0] = 3
  t.is(memfd.read(Buffer.alloc(1)).toString(), 't')
})

withHuge('huge pages: sizes are whole pages, and truncate frees them', (t) => {
  withHugePages(t, 2)
  const memfd = huge(t, { size: 2 * HUGE })
  for (const size of [1, 4096, HUGE + 4096]) t.throws(() => memfd.truncate(size), { code: 'EINVAL' })
  t.is(hugePages('free'), 0)
  memfd.truncate(HUGE)
  t.is(hugePages('free'), 1)
})

unless(noHuge || missing('python3'), test.serial)(
  'huge pages: a hole that another process punches reads as zeros',
  async (t) => {
    withHugePages(t, 2)
    const memfd = huge(t, { size: HUGE, contents: 'text' })
    const bytes = new Uint8Array(memfd.map())
    const other = startOther()
    t.teardown(() => other.stop())
    // A hole smaller than a huge page is only zeroed.
    t.deepEqual(await other.attempt([memfd.path, 'punch']), ['fine'])
    t.deepEqual([...bytes.subarray(0, 4)], [0, 0, 0, 0])
    bytes.fill(1)
    t.is(memfd.read(Buffer.alloc(1), HUGE - 1)[0], 1)
  },
)

// The setting affects the memory files of other programs too during the test.
const setting = '/sys/kernel/mm/transparent_hugepage/shmem_enabled'
const noSetting = notLinux || notRoot || (!fs.existsSync(setting) && 'needs transparent huge pages')

unless(noSetting, test.serial)(
  'a memory file behaves normally if the system may keep it in huge pages',
  (t) => {
    const before = /\[(\w+)\]/.exec(fs.readFileSync(setting, 'utf8'))?.[1] ?? 'never'
    t.teardown(() => fs.writeFileSync(setting, before))
    fs.writeFileSync(setting, 'always')
    const memfd = Memfd.create('text', { contents: 'text' })
    t.teardown(() => memfd.close())
    t.true(fs.fstatSync(memfd.fd).blksize > getpagesize())
    t.is(memfd.size, 4)
    memfd.write(' and more', 4)
    t.is(memfd.read().toString(), 'text and more')
    t.is(getSeals(memfd.fd) & F_SEAL_SHRINK, 0)
    const page = getpagesize()
    memfd.truncate(3 * page + 1)
    const buffer = mmap(memfd.fd, { offset: page })
    t.is(buffer.byteLength, 2 * page + 1)
    munmap(buffer)
    // The size exceeds the address space, which has nothing to do with huge pages.
    memfd.truncate(2 ** 52)
    t.throws(() => memfd.map(), { code: 'ENOMEM', message: 'ENOMEM: not enough memory, mmap' })
  },
)
