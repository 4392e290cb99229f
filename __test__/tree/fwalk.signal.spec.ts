// Tests the option signal of asynchronous walks.
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import { fwalk as syncFwalk } from 'fdkit'
import { fwalk, rmtree, stat, unlink, type AsyncFwalkIterator } from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { countFds, identity } from '../helpers/fds.js'
import { isLinux, missing, notLinux, unless } from '../helpers/platform.js'
import { fsencode, link, makeChain, makeTree, makeTreeInMemory, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux, test.serial)

const TREE: Tree = {
  a: { b: { c: { d: {} }, f: '' }, link: link('../g') },
  g: { h: {}, file: '' },
  'odd\udcff': { x: {} },
}

const fds = (): number => (isLinux ? countFds() : 0)
let before = 0
test.beforeEach(() => {
  before = fds()
})
test.afterEach((t) => {
  t.is(fds(), before)
})

async function isAborted(t: ExecutionContext, promise: Promise<unknown>, signal: AbortSignal) {
  const error = await t.throwsAsync(promise, { name: 'AbortError', code: 'ABORT_ERR' })
  t.is(error?.cause, signal.reason)
  t.is(error?.message, 'The operation was aborted')
}

const DONE = { done: true, value: undefined }

test.serial('fwalk throws if signal is not an AbortSignal', (t) => {
  for (const signal of [null, {}, true, new AbortController()]) {
    t.throws(() => fwalk('.', { signal: signal as AbortSignal }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test.serial('a signal that is already aborted rejects the first step', async (t) => {
  const top = makeTree(t, TREE)
  for (const reason of [undefined, new Error('why'), 'why']) {
    const signal = AbortSignal.abort(reason)
    const walk = fwalk(top, { signal })
    await isAborted(t, walk.next(), signal)
    t.deepEqual(await walk.next(), DONE)
  }
})

test.serial('an aborted idle walk keeps its descriptor until the next step', async (t) => {
  const top = makeTree(t, TREE)
  const ends: ((walk: AsyncFwalkIterator, signal: AbortSignal) => Promise<unknown>)[] = [
    (walk, signal) => isAborted(t, walk.next(), signal),
    (walk) => walk.return(),
    (walk) => t.throwsAsync(walk.throw(new Error('oops')), { message: 'oops' }),
  ]
  for (const end of ends) {
    const controller = new AbortController()
    const walk = fwalk(top, { signal: controller.signal })
    const { value } = await walk.next()
    const { dev, ino } = fs.statSync(top)
    controller.abort()
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
    t.like(fs.fstatSync(value?.[3] ?? -1), { dev, ino })
    await end(walk, controller.signal)
    t.is(fds(), before)
    t.deepEqual(await walk.next(), DONE)
  }
})

onLinux('an abort does not free a descriptor that the loop body still uses', async (t) => {
  const root = makeTree(t, {
    mine: { a: '', b: '', c: '' },
    other: { a: 'precious', b: 'precious', c: 'precious' },
  })
  const controller = new AbortController()
  const others: number[] = []
  const otherWalk = syncFwalk(`${root}/other`)
  const run = async () => {
    const { signal } = controller
    for await (const [, , names, dirFd] of fwalk(`${root}/mine`, { signal })) {
      for (const name of names) {
        await unlink(name, { dirFd })
        controller.abort()
        await new Promise((resolve) => setImmediate(resolve))
        // Any number that has become free is reused for the other directory.
        if (others.length === 0) otherWalk.next()
        others.push(fs.openSync(`${root}/other`, 'r'))
      }
    }
  }
  await isAborted(t, run(), controller.signal)
  otherWalk.return()
  for (const fd of others) fs.closeSync(fd)
  t.deepEqual(fs.readdirSync(`${root}/mine`), [])
  t.deepEqual(fs.readdirSync(`${root}/other`).sort(), ['a', 'b', 'c'])
})

onLinux('a step that was requested early begins after the reactions to the previous step', async (t) => {
  const top = makeTree(t, TREE)
  const walk = fwalk(top)
  const sizes: Promise<number>[] = []
  const use = async (asked: ReturnType<typeof walk.next>) => {
    const { value } = await asked
    if (value === undefined) return
    const [dirpath, , , dirFd] = value
    t.is(identity(dirFd), identity(fsencode(dirpath)))
    // These calls continue while the walk makes its next steps.
    for (let i = 0; i < 20; i++) sizes.push(stat('.', { dirFd }).then(({ ino }) => ino))
    const { ino } = fs.statSync(fsencode(dirpath))
    for (const found of await Promise.all(sizes.splice(0))) t.is(found, ino)
  }
  await Promise.all(Array.from({ length: 10 }, () => use(walk.next())))
})

const UNDER_WAY = 30

test.serial('many walks and deletions on one signal cause no warning about leaked listeners', async (t) => {
  const top = makeTree(t, TREE)
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  const controller = new AbortController()
  const { signal } = controller
  const walks = Array.from({ length: UNDER_WAY }, () => fwalk(top, { signal }))
  await Promise.all(walks.map((walk) => walk.next()))
  // A step whose directory was listed ahead is over before the abort, and the next one rejects.
  const next = async (walk: AsyncFwalkIterator) => walk.next().then(() => walk.next())
  const steps = walks.map((walk) => isAborted(t, next(walk), signal))
  for (let i = 0; i < UNDER_WAY; i++) steps.push(isAborted(t, rmtree(`${top}/g`, { signal }), signal))
  controller.abort()
  await Promise.all(steps)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', onWarning)
  t.deepEqual(warnings, [])
})

onLinux('a dropped walk is collected with its descriptors although its signal lives on', (t) => {
  const top = makeTree(t, TREE)
  const { held, left } = child<{ held: number; left: number }>('tree/dropped-walks-with-signal.mjs', {
    args: [top],
    nodeArguments: ['--expose-gc'],
  })
  // Each walk holds its top, and what it has listed ahead: at most the other eight directories.
  t.true(held >= 20 && held <= 20 * 9, `${held} descriptors`)
  t.is(left, 0)
})

test.serial('an abort in the loop body rejects the next step', async (t) => {
  const top = makeTree(t, TREE)
  const controller = new AbortController()
  let steps = 0
  const run = async () => {
    for await (const [, { length }] of fwalk(top, { signal: controller.signal })) {
      steps += 1
      if (length > 0) controller.abort()
    }
  }
  await isAborted(t, run(), controller.signal)
  t.is(steps, 1)
})

test.serial('an abort after the end of a walk has no effect', async (t) => {
  const top = makeTree(t, {})
  for (const end of [
    async (walk: AsyncFwalkIterator) => void (await walk.return()),
    async (walk: AsyncFwalkIterator) => void (await walk.next(), await walk.next()),
  ]) {
    const controller = new AbortController()
    const walk = fwalk(top, { signal: controller.signal })
    await end(walk)
    controller.abort()
    t.deepEqual(await walk.next(), DONE)
  }
})

test.serial('a thousand walks leave no listener on the signal', async (t) => {
  const top = makeTree(t, { a: {} })
  const { signal } = new AbortController()
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: unknown[]) => {
    listeners += 1
    return Reflect.apply(addEventListener, signal, args)
  }
  signal.removeEventListener = (...args: unknown[]) => {
    listeners -= 1
    return Reflect.apply(removeEventListener, signal, args)
  }
  for (let i = 0; i < 100; i++) {
    for await (const [dirpath] of fwalk(top, { signal })) if (i % 2 && dirpath === top) break
  }
  t.is(listeners, 0)
})

unless(missing('python3') || notLinux, test.serial)(
  'an abort ends a step that would descend 100,000 levels',
  async (t) => {
    const top = makeTreeInMemory(t)
    makeChain(top, 100_000)
    const whole = performance.now()
    const all = fwalk(top, { topdown: false })
    await all.next()
    const step = performance.now() - whole
    await all.return()
    const controller = new AbortController()
    const { signal } = controller
    // The walk receives the event nevertheless.
    signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
    const walk = fwalk(top, { topdown: false, signal })
    const asked = walk.next()
    const alsoAsked = walk.next()
    await new Promise((resolve) => setTimeout(resolve, 5))
    const start = performance.now()
    controller.abort()
    await isAborted(t, asked, signal)
    const took = performance.now() - start
    t.log(`${took.toFixed(1)} ms, of a step of ${step.toFixed()} ms`)
    t.true(took < Math.max(100, step / 3))
    t.deepEqual(await alsoAsked, DONE)
    t.is(fds(), before)
  },
)
