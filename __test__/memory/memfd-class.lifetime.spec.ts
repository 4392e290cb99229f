// Tests the ownership and the lifetime of the descriptor and the memory of a Memfd.
import * as fs from 'node:fs'

import type { ExecutionContext } from 'ava'
import {
  F_SEAL_WRITE,
  addSeals,
  dup,
  getInheritable,
  getpagesize,
  Memfd,
  memfdCreate,
  mmap,
  munmap,
} from 'fdkit'

import { child } from '../helpers/child.js'
import { isOpen } from '../helpers/fds.js'
import { notLinux, unless } from '../helpers/platform.js'
import { noSharing, sharingNode } from '../helpers/runtimes.js'
import { noCompiler, preloading } from '../helpers/preload.js'
import { makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const closed = { code: 'ERR_INVALID_STATE', message: 'Invalid state: the Memfd is closed' }

onLinux('from duplicates the descriptor and closes the original', (t) => {
  const fd = memfdCreate('mine')
  const memfd = Memfd.from(fd)
  t.not(memfd.fd, fd)
  t.false(isOpen(fd))
  t.false(getInheritable(memfd.fd))
  memfd.write('text')
  t.is(fs.readFileSync(`/proc/self/fd/${memfd.fd}`, 'utf8'), 'text')
  const copy = memfd.fd
  memfd.close()
  t.false(isOpen(copy))
})

onLinux('from accepts a descriptor that a child has inherited', (t) => {
  const memfd = Memfd.create('inherited', { contents: 'of the parent', inheritable: true })
  t.teardown(() => memfd.close())
  const script = `
    const memfd = fdkit.Memfd.from(${memfd.fd})
    memfd.write('in the child', 3)
    const text = memfd.read().toString()
    memfd.close()
    answer(text)
  `
  t.is(child(script), 'of in the child')
  t.is(memfd.read().toString(), 'of in the child')
})

function others(t: ExecutionContext): Record<string, number> {
  const top = makeTree(t, { file: 'text' })
  const open = (path: string, flags: string | number = 'r') => {
    const fd = fs.openSync(path, flags)
    t.teardown(() => fs.closeSync(fd))
    return fd
  }
  return { file: open(`${top}/file`, 'r+'), directory: open(top), device: open('/dev/null', 'r+') }
}

onLinux('from rejects a descriptor of another file with EINVAL and leaves it open', (t) => {
  for (const [kind, fd] of Object.entries(others(t))) {
    t.throws(
      () => Memfd.from(fd),
      {
        code: 'EINVAL',
        message: 'EINVAL: invalid argument, fcntl: this is not a memory file',
      },
      kind,
    )
    t.true(isOpen(fd))
  }
  t.throws(() => Memfd.from(999_999), { code: 'EBADF', message: 'EBADF: bad file descriptor, fcntl' })
  t.throws(() => Memfd.from(-1), { code: 'ERR_OUT_OF_RANGE', message: /^The value of "fd"/ })
  t.throws(() => Memfd.from('3' as never), { code: 'ERR_INVALID_ARG_TYPE' })
})

onLinux('every member except close throws ERR_INVALID_STATE after close', (t) => {
  const memfd = Memfd.create('closed', { contents: 'text' })
  const buffer = memfd.map()
  const { fd } = memfd
  memfd.close()
  t.false(isOpen(fd))
  const uses = {
    fd: () => memfd.fd,
    path: () => memfd.path,
    size: () => memfd.size,
    seals: () => memfd.seals,
    truncate: () => memfd.truncate(1),
    read: () => memfd.read(),
    write: () => memfd.write('x'),
    seal: () => memfd.seal('grow'),
    map: () => memfd.map(),
    unmap: () => memfd.unmap(buffer),
    share: () => memfd.share(),
    name: () => memfd.name,
    stream: () => memfd.stream(),
    blob: () => memfd.blob(),
  }
  const members = Object.getOwnPropertyNames(Memfd.prototype)
  t.deepEqual(
    members.filter((name) => !Object.hasOwn(uses, name)),
    ['constructor', 'close'],
  )
  for (const [name, use] of Object.entries(uses)) t.throws(use, closed, name)
})

onLinux('a second close does nothing, even if the number was reused', (t) => {
  const memfd = Memfd.create('twice')
  memfd.close()
  const next = fs.openSync('/dev/null', 'r')
  t.teardown(() => fs.closeSync(next))
  memfd.close()
  memfd[Symbol.dispose]()
  t.true(isOpen(next))
})

onLinux('close throws EBADF if the descriptor was closed elsewhere, and the Memfd is then closed', (t) => {
  // Runs in a child process, where no other code can reuse the number.
  const script = `
    const memfd = fdkit.Memfd.create('stolen', { size: 1 })
    const buffer = memfd.map()
    fs.closeSync(memfd.fd)
    let message
    try { memfd.close() } catch (error) { message = error.message }
    memfd.close()
    answer([message, buffer.byteLength])
  `
  t.deepEqual(child(script), ['EBADF: bad file descriptor, close', 0])
})

onLinux('disposing of a Memfd closes it and unmaps all its buffers', (t) => {
  const memfd = Memfd.create('disposed', { size: 2 * getpagesize() })
  const kept = dup(memfd.fd)
  t.teardown(() => fs.closeSync(kept))
  const buffers = [memfd.map(), memfd.map({ offset: getpagesize() }), memfd.map({ writable: false })]
  const view = new Uint8Array(buffers[0] as ArrayBuffer)
  memfd[Symbol.dispose]()
  t.deepEqual(
    buffers.map((buffer) => buffer.byteLength),
    [0, 0, 0],
  )
  t.is(view.length, 0)
  t.throws(() => memfd.size, closed)
  // No writable mapping is left.
  addSeals(kept, F_SEAL_WRITE)
})

onLinux('close keeps the mappings of others, and ignores buffers that are already unmapped', (t) => {
  const memfd = Memfd.create('shared', { contents: 'text' })
  const other = mmap(memfd.fd)
  const [one, two] = [memfd.map(), memfd.map()]
  memfd.unmap(one)
  munmap(two)
  memfd.close()
  t.is(Buffer.from(other).toString(), 'text')
  munmap(other)
})

onLinux('unmap accepts only the buffers of its Memfd, once', (t) => {
  const memfd = Memfd.create('one', { size: 8 })
  const other = Memfd.create('two', { size: 8 })
  t.teardown(() => [memfd, other].forEach((each) => each.close()))
  const buffer = memfd.map()
  for (const foreign of [other.map(), mmap(memfd.fd), new ArrayBuffer(8), new SharedArrayBuffer(8)]) {
    t.throws(() => memfd.unmap(foreign as ArrayBuffer), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^The argument 'buffer' must be mapped, by this Memfd\. Received (Shared)?ArrayBuffer/,
    })
    t.is(foreign.byteLength, 8)
  }
  for (const wrong of [new Uint8Array(buffer), null, undefined, 5, {}]) {
    t.throws(() => memfd.unmap(wrong as never), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "buffer" argument/,
    })
  }
  memfd.unmap(buffer)
  t.is(buffer.byteLength, 0)
  t.throws(() => memfd.unmap(buffer), { code: 'ERR_INVALID_ARG_VALUE' })
})

onLinux('the garbage collector closes a Memfd that was not closed', (t) => {
  t.deepEqual(child('memory/abandoned-memfds.mjs', { nodeArguments: ['--expose-gc'] }), [51, 1, 0])
})

onLinux('dropped Memfds are collected before the process runs out of descriptors', (t) => {
  // The loop creates no other garbage that would start the collector.
  const script = `
    let count = 0
    for (; count < 3000; count++) {
      fdkit.Memfd.create('dropped')
      if (count % 10 === 0) await new Promise(setImmediate)
    }
    answer(count)
  `
  t.is(child(script, { shell: 'ulimit -n 512' }), 3000)
})

onLinux('closed Memfds do not trigger the garbage collector', (t) => {
  // This number of MiB would start the collector about 30 times.
  t.true(child<number>('memory/closed-memfds.mjs', { shell: 'ulimit -n 512' }) < 10)
})

onLinux('a buffer outlives its garbage-collected Memfd', (t) => {
  const script = `
    const buffer = (() => fdkit.Memfd.create('abandoned', { contents: 'text' }).map())()
    for (let round = 0; round < 5; round++) {
      globalThis.gc()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    answer(Buffer.from(buffer).toString())
  `
  t.is(child(script, { nodeArguments: ['--expose-gc'] }), 'text')
})

onLinux('the end of a worker closes its Memfds and unmaps their buffers', (t) => {
  const script = `
    import { Worker } from 'node:worker_threads'
    const maps = () => fs.readFileSync('/proc/self/maps', 'latin1').split('memfd:ofworker').length - 1
    const fds = () => fs.readdirSync('/proc/self/fd').filter((fd) => {
      try { return fs.readlinkSync('/proc/self/fd/' + fd).includes('memfd:ofworker') } catch { return false }
    }).length
    const program = \`
      import { parentPort } from 'node:worker_threads'
      import { Memfd } from \${JSON.stringify(import.meta.resolve('fdkit'))}
      globalThis.kept = [1, 2, 3].map(() => Memfd.create('ofworker', { size: 4096 }))
      globalThis.buffers = kept.map((each) => each.map())
      parentPort.postMessage('ready')
      setInterval(() => {}, 1000)\`
    const seen = []
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(program, { eval: true })
      await new Promise((resolve) => worker.once('message', resolve))
      seen.push(fds(), maps())
      await worker.terminate()
      seen.push(fds(), maps())
    }
    answer(seen)
  `
  const round = [3, 3, 0, 0]
  t.deepEqual(child(script), [...round, ...round, ...round])
})

unless(notLinux || noSharing)('a buffer of share outlives close', (t) => {
  const script = `
    const memfd = fdkit.Memfd.create('shared', { contents: 'text' })
    const buffer = memfd.share({ length: 2 })
    const name = Object.prototype.toString.call(buffer)
    memfd.close()
    answer([name, buffer.byteLength, Buffer.from(new Uint8Array(buffer)).toString()])
  `
  t.deepEqual(child(script, { node: sharingNode }), ['[object SharedArrayBuffer]', 2, 'te'])
})

unless(notLinux || noCompiler)('close closes the descriptor even if a buffer cannot be unmapped', (t) => {
  const script = `
    const memfd = fdkit.Memfd.create('failing', { size: 10 })
    const { fd } = memfd
    const buffers = [memfd.map(), memfd.map()]
    process.env.FAILING_MUNMAPS = '1'
    let message
    try { memfd.close() } catch (error) { message = error.message }
    answer([message, fs.existsSync('/proc/self/fd/' + fd), buffers.map((each) => each.byteLength)])
  `
  t.deepEqual(child(script, preloading(t, 'memory/failing-munmap.c')), [
    'ENOMEM: not enough memory, munmap',
    false,
    [0, 0],
  ])
})

onLinux(
  'a buffer of map can be collected while the Memfd lives, and close unmaps the remaining ones',
  (t) => {
    const [left, ...closed] = child<number[]>('memory/dropped-buffers.mjs', {
      nodeArguments: ['--expose-gc'],
    })
    // Of 1,000 buffers, the collector of Bun keeps one if its address happens to be on the stack.
    const most = 'bun' in process.versions ? 5 : 2
    t.true(left! >= 2 && left! <= most, `${left} mappings are left`)
    t.deepEqual(closed as unknown[], [0, [0, 0]])
  },
)
