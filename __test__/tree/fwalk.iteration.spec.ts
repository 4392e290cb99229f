// Tests the arguments and options of fwalk, and the iterator that it returns.
import * as fs from 'node:fs'

import test from 'ava'
import { fwalk, type FwalkOptions } from 'fdkit'

import { countFds, isOpen } from '../helpers/fds.js'
import { makeTree } from '../helpers/tree.js'
import { paths } from '../helpers/walk.js'

const call = (top: unknown, options?: unknown) => fwalk(top as string, options as FwalkOptions)

test('fwalk throws if top is not a path', (t) => {
  for (const top of [null, 1, true, Symbol('x'), {}, [], () => {}, 1n, new ArrayBuffer(1)]) {
    t.throws(() => call(top), { code: 'ERR_INVALID_ARG_TYPE', instanceOf: TypeError })
  }
  t.throws(() => call('a\0b'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => call(Buffer.from('a\0b')), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => call('a\ud800'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => call(new URL('http://localhost/')), { code: 'ERR_INVALID_URL_SCHEME' })
})

test('fwalk throws if an option has the wrong type', (t) => {
  for (const options of [null, 1, 'x', [], true]) {
    t.throws(() => call('.', options), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  for (const value of [null, 1, 'true', {}]) {
    t.throws(() => call('.', { topdown: value }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => call('.', { followSymlinks: value }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => call('.', { onerror: value }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  for (const value of [null, '3', true, {}, 3n]) {
    t.throws(() => call('.', { dirFd: value }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => call('.', { maxOpen: value }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('fwalk throws if a numeric option is out of range', (t) => {
  for (const dirFd of [-1, 1.5, NaN, Infinity, 2 ** 31]) {
    t.throws(() => call('.', { dirFd }), { code: 'ERR_OUT_OF_RANGE' })
  }
  for (const maxOpen of [3, 0, -1, 4.5, NaN, Infinity, 2 ** 31]) {
    t.throws(() => call('.', { maxOpen }), { code: 'ERR_OUT_OF_RANGE' })
  }
})

test('an option that is undefined has its default', (t) => {
  const top = makeTree(t, { a: {} })
  const none = { topdown: undefined, onerror: undefined, followSymlinks: undefined }
  const walk = fwalk(top, { ...none, dirFd: undefined, maxOpen: undefined })
  t.deepEqual(
    [...walk].map(([dirpath]) => dirpath),
    [top, `${top}/a`],
  )
  t.deepEqual(paths(top, { maxOpen: 4 }), paths(top, { maxOpen: 2 ** 31 - 1 }))
})

test('options are read once, when fwalk is called', (t) => {
  const top = makeTree(t, { a: {} })
  const options: FwalkOptions = { topdown: true }
  const walk = fwalk(top, options)
  options.topdown = false
  t.is(walk.next().value?.[0], top)
})

test('the walk is a standard iterator', (t) => {
  const walk = fwalk(makeTree(t))
  t.is(walk[Symbol.iterator](), walk)
  const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([].values()))
  t.true(Object.prototype.isPrototypeOf.call(iteratorPrototype, walk))
  const step = walk.next()
  t.is(step.done, false)
  t.is(step.value?.length, 4)
  t.deepEqual(walk.next(), { done: true, value: undefined })
  t.deepEqual(walk.next(), { done: true, value: undefined })
})

test('yielded arrays do not change afterwards', (t) => {
  const top = makeTree(t, { a: { x: '' }, f: '' })
  const [first, second] = [...fwalk(top)]
  t.deepEqual(first?.slice(1, 3), [['a'], ['f']])
  t.deepEqual(second?.slice(1, 3), [[], ['x']])
})

test('break closes all descriptors', (t) => {
  const top = makeTree(t, { a: { b: {} } })
  for (const topdown of [true, false]) {
    const before = countFds()
    const walk = fwalk(top, { topdown })
    for (const [, , , dirfd] of walk) {
      t.true(isOpen(dirfd))
      break
    }
    t.is(countFds(), before)
    t.deepEqual(walk.next(), { done: true, value: undefined })
  }
})

test('an exception in the loop closes all descriptors and propagates', (t) => {
  const top = makeTree(t, { a: { b: {} } })
  const before = countFds()
  const oops = new Error('oops')
  const error = t.throws(() => {
    for (const [dirpath] of fwalk(top)) if (dirpath === top) throw oops
  })
  t.is(error, oops)
  t.is(countFds(), before)
})

test('return() ends the walk at any time, and may be called again', (t) => {
  const top = makeTree(t, { a: {} })
  const before = countFds()
  const unstarted = fwalk(`${top}/missing`)
  t.deepEqual(unstarted.return(), { done: true, value: undefined })
  t.deepEqual(unstarted.next(), { done: true, value: undefined })
  const walk = fwalk(top)
  walk.next()
  t.is(countFds(), before + 1)
  walk.return()
  t.is(countFds(), before)
  t.deepEqual(walk.return(), { done: true, value: undefined })
  t.deepEqual(walk.next(), { done: true, value: undefined })
})

test('throw() ends the walk and throws its argument', (t) => {
  const before = countFds()
  const walk = fwalk(makeTree(t, { a: {} }))
  walk.next()
  const oops = new Error('oops')
  t.is(
    t.throws(() => walk.throw(oops)),
    oops,
  )
  t.is(countFds(), before)
  t.deepEqual(walk.next(), { done: true, value: undefined })
})

test('Symbol.dispose ends the walk', (t) => {
  const before = countFds()
  const walk = fwalk(makeTree(t, { a: {} }))
  walk.next()
  walk[Symbol.dispose]()
  t.is(countFds(), before)
  t.deepEqual(walk.next(), { done: true, value: undefined })
})

function withVanishing(top: string, onerror: NonNullable<FwalkOptions['onerror']>) {
  const walk = fwalk(top, { onerror })
  walk.next()
  fs.rmdirSync(`${top}/gone`)
  return walk
}

test('9: an exception in onerror ends the walk', (t) => {
  const top = makeTree(t, { gone: {} })
  const before = countFds()
  const oops = new Error('oops')
  const walk = withVanishing(top, () => {
    throw oops
  })
  t.is(
    t.throws(() => walk.next()),
    oops,
  )
  t.is(countFds(), before)
  t.deepEqual(walk.next(), { done: true, value: undefined })
})

test('a walk cannot be stepped or ended from within onerror', (t) => {
  const actions = ['next', 'return', 'throw', Symbol.dispose] as const
  for (const action of actions) {
    const top = makeTree(t, { gone: {} })
    let calls = 0
    const walk = withVanishing(top, () => {
      calls += 1
      t.throws(() => walk[action](), { instanceOf: TypeError, message: /already running/ })
    })
    t.deepEqual(walk.next(), { done: true, value: undefined }, 'and goes on')
    t.is(calls, 1)
  }
})

test('concurrent walks are independent', (t) => {
  const top = makeTree(t, { a: { b: {} }, c: {} })
  const expected = [...fwalk(top)].map(([dirpath]) => dirpath)
  const walks = Array.from({ length: 20 }, () => fwalk(top))
  for (const path of expected) for (const walk of walks) t.is(walk.next().value?.[0], path)
  for (const walk of walks) t.true(walk.next().done)
})

test('walks can be nested', (t) => {
  const top = makeTree(t, { a: { b: {} }, c: {} })
  let inner = 0
  for (const [, , , dirFd] of fwalk(top)) inner += [...fwalk('.', { dirFd })].length
  t.is(inner, 4 + 2 + 1 + 1)
})
