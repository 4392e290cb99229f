// fwalk as a function with options, and what it returns as an iterator.
import * as fs from 'node:fs'

import test from 'ava'
import { fwalk, type FwalkOptions } from 'fdkit'

import { countFds, isOpen } from '../helpers/fds.js'
import { makeTree } from '../helpers/tree.js'
import { paths } from '../helpers/walk.js'

const call = (top: unknown, options?: unknown) => fwalk(top as string, options as FwalkOptions)

test('top: anything but a path is refused at the call', (t) => {
  for (const top of [null, 1, true, Symbol('x'), {}, [], () => {}, 1n, new ArrayBuffer(1)]) {
    t.throws(() => call(top), { code: 'ERR_INVALID_ARG_TYPE', instanceOf: TypeError })
  }
  t.throws(() => call('a\0b'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => call(Buffer.from('a\0b')), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => call('a\ud800'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => call(new URL('http://localhost/')), { code: 'ERR_INVALID_URL_SCHEME' })
})

test('options: wrong types are refused at the call', (t) => {
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

test('options: numbers out of range are refused at the call', (t) => {
  for (const dirFd of [-1, 1.5, NaN, Infinity, 2 ** 31]) {
    t.throws(() => call('.', { dirFd }), { code: 'ERR_OUT_OF_RANGE' })
  }
  for (const maxOpen of [3, 0, -1, 4.5, NaN, Infinity, 2 ** 31]) {
    t.throws(() => call('.', { maxOpen }), { code: 'ERR_OUT_OF_RANGE' })
  }
})

test('options that are undefined have their defaults', (t) => {
  const top = makeTree(t, { a: {} })
  const none = { topdown: undefined, onerror: undefined, followSymlinks: undefined }
  const walk = fwalk(top, { ...none, dirFd: undefined, maxOpen: undefined })
  t.deepEqual([...walk].map(([dirpath]) => dirpath), [top, `${top}/a`])
  t.deepEqual(paths(top, { maxOpen: 4 }), paths(top, { maxOpen: 2 ** 31 - 1 }))
})

test('options are read once, when fwalk is called', (t) => {
  const top = makeTree(t, { a: {} })
  const options: FwalkOptions = { topdown: true }
  const walk = fwalk(top, options)
  options.topdown = false
  t.is(walk.next().value?.[0], top)
})

test('is an iterator of the language', (t) => {
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

test('arrays that were yielded are the caller\'s to keep', (t) => {
  const top = makeTree(t, { a: { x: '' }, f: '' })
  const [first, second] = [...fwalk(top)]
  t.deepEqual(first?.slice(1, 3), [['a'], ['f']])
  t.deepEqual(second?.slice(1, 3), [[], ['x']])
})

test('break closes everything', (t) => {
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

test('an exception in the loop closes everything and goes on', (t) => {
  const top = makeTree(t, { a: { b: {} } })
  const before = countFds()
  const oops = new Error('oops')
  const error = t.throws(() => {
    for (const [dirpath] of fwalk(top)) if (dirpath === top) throw oops
  })
  t.is(error, oops)
  t.is(countFds(), before)
})

test('return() ends the walk, at any time and more than once', (t) => {
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

test('throw() ends the walk, and throws', (t) => {
  const before = countFds()
  const walk = fwalk(makeTree(t, { a: {} }))
  walk.next()
  const oops = new Error('oops')
  t.is(t.throws(() => walk.throw(oops)), oops)
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

test('9: what onerror throws ends the walk', (t) => {
  const top = makeTree(t, { gone: {} })
  const before = countFds()
  const oops = new Error('oops')
  const walk = withVanishing(top, () => {
    throw oops
  })
  t.is(t.throws(() => walk.next()), oops)
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

test('several walks at once do not disturb each other', (t) => {
  const top = makeTree(t, { a: { b: {} }, c: {} })
  const expected = [...fwalk(top)].map(([dirpath]) => dirpath)
  const walks = Array.from({ length: 20 }, () => fwalk(top))
  for (const path of expected) for (const walk of walks) t.is(walk.next().value?.[0], path)
  for (const walk of walks) t.true(walk.next().done)
})

test('a walk within the loop of another', (t) => {
  const top = makeTree(t, { a: { b: {} }, c: {} })
  let inner = 0
  for (const [, , , dirFd] of fwalk(top)) inner += [...fwalk('.', { dirFd })].length
  t.is(inner, 4 + 2 + 1 + 1)
})
