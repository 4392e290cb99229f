// Tests fwalk of fdkit/promises against the walk of fdkit, and as an asynchronous iterator.
import { once } from 'node:events'
import * as fs from 'node:fs'
import { Worker } from 'node:worker_threads'

import test from 'ava'
import { fwalk as syncFwalk, type FwalkOptions } from 'fdkit'
import { fwalk, type AsyncFwalkIterator } from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { countFds, isOpen } from '../helpers/fds.js'
import { isLinux, notLinux, unless } from '../helpers/platform.js'
import { fsencode, link, makeTree, makeTreeInMemory, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux, test.serial)

const TREE: Tree = {
  a: { b: { c: { d: {} }, f: '' }, link: link('../g') },
  g: { h: {}, file: '' },
  'odd\udcff': { x: {} },
  loop: link('.'),
  nothing: link('nowhere'),
}

const fds = (): number => (isLinux ? countFds() : 0)
let before = 0
test.beforeEach(() => {
  before = fds()
})
test.afterEach((t) => {
  t.is(fds(), before)
})

type Entry = [string | Buffer, (string | Buffer)[], (string | Buffer)[], number]

/** Collects the entries and the errors of a walk of either kind. */
async function collect(
  walk: (onerror: (error: unknown) => void) => AsyncIterable<Entry> | Iterable<Entry>,
): Promise<unknown[]> {
  const seen: unknown[] = []
  const onerror = (error: unknown) => {
    seen.push({ ...(error as Error), message: (error as Error).message })
  }
  try {
    for await (const [dirpath, dirnames, filenames, dirfd] of walk(onerror)) {
      seen.push([dirpath, dirnames, filenames, fs.fstatSync(dirfd).ino])
    }
  } catch (error) {
    onerror(error)
  }
  return seen
}

onLinux('yields the entries and errors of the walk of fdkit', async (t) => {
  const top = makeTree(t, TREE)
  const dirFd = fs.openSync(top, 'r')
  for (const topdown of [true, false]) {
    for (const followSymlinks of [true, false]) {
      for (const maxOpen of [4, 128]) {
        for (const path of [top, `${top}/a`, 'a', `${top}/loop`, 'loop/', `${top}/nothing`]) {
          const options: FwalkOptions = { topdown, followSymlinks, maxOpen, dirFd }
          const told = JSON.stringify({ path, ...options })
          t.deepEqual(
            await collect((onerror) => fwalk(path, { ...options, onerror })),
            await collect((onerror) => syncFwalk(path, { ...options, onerror })),
            told,
          )
          const bytes = fsencode(path)
          const inBytes = { topdown, followSymlinks, maxOpen, dirFd }
          t.deepEqual(
            await collect((onerror) => fwalk(bytes, { ...inBytes, onerror })),
            await collect((onerror) => syncFwalk(bytes, { ...inBytes, onerror })),
            told,
          )
        }
      }
    }
  }
  fs.closeSync(dirFd)
})

test.serial('edits of dirnames decide what is visited', async (t) => {
  const top = makeTree(t, { a: { x: {} }, b: { y: {} }, c: {} })
  const errors: string[] = []
  const onerror = (error: NodeJS.ErrnoException) => errors.push(`${error.code} ${error.path}`)
  const visited = []
  for await (const [dirpath, dirnames] of fwalk(top, { onerror })) {
    visited.push(dirpath.slice(top.length))
    if (dirpath === top) dirnames.splice(0, 3, 'c', 'missing', 'a')
  }
  t.deepEqual(visited, ['', '/c', '/a', '/a/x'])
  t.deepEqual(errors, [`ENOENT ${top}/missing`])
  const walk = fwalk(top)
  const { value } = await walk.next()
  value?.[1].push('../escape')
  await t.throwsAsync(walk.next(), { code: 'ERR_INVALID_ARG_VALUE' })
  t.deepEqual(await walk.next(), { done: true, value: undefined })
})

test.serial('an error at the top rejects once', async (t) => {
  const top = makeTree(t, { file: '' })
  for (const [path, code] of [
    [`${top}/missing`, 'ENOENT'],
    [`${top}/file/below`, 'ENOTDIR'],
    ['', 'ENOENT'],
  ] as const) {
    for (const given of [path, Buffer.from(path)]) {
      const walk = fwalk(given as string)
      await t.throwsAsync(walk.next(), { code, message: new RegExp(` '${path}'$`) })
      t.deepEqual(await walk.next(), { done: true, value: undefined })
    }
  }
})

test.serial('an exception in onerror ends the walk and rejects', async (t) => {
  const top = makeTree(t, { a: { b: {} } })
  const oops = new Error('oops')
  const onerror = () => {
    throw oops
  }
  const walk = fwalk(top, { onerror })
  const { value } = await walk.next()
  value?.[1].unshift('missing')
  t.is(await t.throwsAsync(walk.next()), oops)
  t.deepEqual(await walk.next(), { done: true, value: undefined })
})

onLinux('break and an exception in the loop close all descriptors', async (t) => {
  const top = makeTree(t, TREE)
  const oops = new Error('oops')
  for (const topdown of [true, false]) {
    const walk = fwalk(top, { topdown })
    for await (const [, , , dirfd] of walk) {
      t.true(isOpen(dirfd))
      break
    }
    t.is(countFds(), before)
    t.deepEqual(await walk.next(), { done: true, value: undefined })
    const run = async () => {
      for await (const [dirpath] of fwalk(top, { topdown })) if (dirpath !== '') throw oops
    }
    t.is(await t.throwsAsync(run), oops)
    t.is(countFds(), before)
  }
})

onLinux('return, throw and asyncDispose end the walk at any time, and may be called again', async (t) => {
  const top = makeTree(t, TREE)
  const done = { done: true, value: undefined }
  const oops = new Error('oops')
  const ends: ((walk: AsyncFwalkIterator) => Promise<unknown>)[] = [
    async (walk) => t.deepEqual(await walk.return(), done),
    async (walk) => t.is(await t.throwsAsync(walk.throw(oops)), oops),
    async (walk) => t.is(await walk[Symbol.asyncDispose](), undefined),
  ]
  for (const end of ends) {
    for (const steps of [0, 1, 3]) {
      const walk = fwalk(top)
      for (let i = 0; i < steps; i++) await walk.next()
      await end(walk)
      t.is(countFds(), before)
      await end(walk)
      t.deepEqual(await walk.next(), done)
    }
  }
})

test.serial('the walk is a standard asynchronous iterator', (t) => {
  const walk = fwalk('.')
  t.is(walk[Symbol.asyncIterator](), walk)
  const generator = (async function* () {})()
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf(Object.getPrototypeOf(generator)))
  t.true(Object.prototype.isPrototypeOf.call(prototype, walk))
})

test.serial('concurrent calls of next() are executed in order', async (t) => {
  const top = makeTree(t, TREE)
  const expected = [...syncFwalk(top)].map(([dirpath, dirnames]) => [dirpath, dirnames])
  const walk = fwalk(top)
  const asked = Array.from({ length: expected.length + 3 }, () => walk.next())
  const results = await Promise.all(asked)
  const entries = results.filter(({ done }) => !done).map(({ value }) => value?.slice(0, 2))
  t.deepEqual(entries, expected)
  t.deepEqual(
    results.slice(-3).map(({ done }) => done),
    [true, true, true],
  )
})

test.serial('return() waits for earlier steps, and later steps find that the walk is over', async (t) => {
  const walk = fwalk(makeTree(t, TREE))
  const order: string[] = []
  await Promise.all([
    walk.next().then(({ done }) => order.push(`next ${done}`)),
    walk.return().then(({ done }) => order.push(`return ${done}`)),
    walk.next().then(({ done }) => order.push(`next ${done}`)),
  ])
  t.deepEqual(order, ['next false', 'return true', 'next true'])
})

test.serial('nothing is opened before the first step', (t) => {
  const top = makeTree(t, TREE)
  for (let i = 0; i < 100; i++) fwalk(top)
  t.is(fds(), before)
})

onLinux('the garbage collector closes the descriptors of dropped walks', (t) => {
  const top = makeTree(t, TREE)
  const { held, left } = child<{ held: number; left: number }>('tree/dropped-walks.mjs', {
    args: [top],
    nodeArguments: ['--expose-gc'],
  })
  // Each walk that has begun holds its top, and what it has listed ahead: at most the other eight
  // directories. The others share one descriptor for their dirFd.
  t.true(held >= 21 && held <= 1 + 20 * 9, `${held} descriptors`)
  t.is(left, 0)
})

onLinux('a walk in use is not garbage-collected', (t) => {
  const top = makeTree(t, TREE)
  const steps = child<number>('tree/walk-and-collect.mjs', { args: [top], nodeArguments: ['--expose-gc'] })
  t.is(steps, [...syncFwalk(top)].length)
})

const bushy = (depth: number): Tree =>
  depth === 0 ? { end: '' } : { a: bushy(depth - 1), b: bushy(depth - 1), c: {} }

onLinux('workers that are terminated during walks and deletions leak no descriptor', async (t) => {
  const root = makeTreeInMemory(t, { top: bushy(8) })
  const source = (i: number) => `
    import { parentPort } from 'node:worker_threads'
    import { fwalk, rmtree } from ${JSON.stringify(import.meta.resolve('fdkit/promises'))}
    const root = ${JSON.stringify(root)}
    const walk = async (options) => {
      for (;;) for await (const _ of fwalk(root + '/top', options));
    }
    for (let i = 0; i < 5; i++) walk({ topdown: i % 2 === 0 })
    for (let i = 0; i < 3; i++) rmtree(root + '/delete${i}').catch(() => {})
    parentPort.postMessage('in the middle')`
  let held = 0
  // The first worker is a warm-up: Node opens internal descriptors for it.
  for (let i = 0; i < 10; i++) {
    fs.cpSync(`${root}/top`, `${root}/delete${i}`, { recursive: true })
    const url = new URL(`data:text/javascript,${encodeURIComponent(source(i))}`)
    const worker = new Worker(url, { execArgv: [] })
    await once(worker, 'message')
    await new Promise((resolve) => setTimeout(resolve, i))
    await worker.terminate()
    if (i === 0) {
      held = countFds()
      before = held
    }
    t.is(countFds(), held)
  }
})
