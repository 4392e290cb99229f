// Tests utime, which sets the times of a file to the nanosecond.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { inspect } from 'node:util'

import test from 'ava'
import { memfdCreate, stat, utime, UTIME_NOW, UTIME_OMIT, type UtimeOptions } from 'fdkit'

import { child, programPath } from '../helpers/child.js'
import { look, thrown } from '../helpers/errors.js'
import { forms, opened, relativeForms } from '../helpers/open.js'
import { missing, notLinux, notRoot, unless } from '../helpers/platform.js'
import { link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const asRoot = unless(notLinux || notRoot)
const SECOND = 1_000_000_000n

type Ns = readonly [bigint, bigint]

function timesOf(path: string | number, options = {}): Ns {
  const { atimeNs, mtimeNs } = stat(path, { ...options, bigint: true })
  return [atimeNs, mtimeNs]
}

test('accepts every form of path, with and without dirFd, and a descriptor', (t) => {
  const top = makeTree(t, { dir: { 'a b': '' } })
  const path = `${top}/dir/a b`
  const dirFd = opened(t, `${top}/dir`)
  for (const [index, form] of forms(path).entries()) {
    t.is(utime(form as string, { ns: [BigInt(index), 7n] }), undefined)
    t.deepEqual(timesOf(path), [BigInt(index), 7n])
  }
  for (const [index, form] of relativeForms('a b').entries()) {
    utime(form as string, { times: [index, 8], dirFd })
    t.deepEqual(timesOf(path), [BigInt(index) * SECOND, 8n * SECOND])
  }
  utime(path, { ns: [1n, 2n], dirFd: 999_999 })
  utime(opened(t, path), { ns: [3n, 4n] })
  t.deepEqual(timesOf(path), [3n, 4n])
  utime(dirFd, { ns: [5n, 6n] })
  t.deepEqual(timesOf(dirFd), [5n, 6n])
  t.throws(() => utime('a b', { dirFd: 999_999 }), { code: 'EBADF' })
  t.throws(() => utime('x', { dirFd: opened(t, path) }), { code: 'ENOTDIR' })
  t.like(
    thrown(() => utime(999_999)),
    { code: 'EBADF', syscall: 'futimens', path: undefined },
  )
})

onLinux('sets the times of a memory file', (t) => {
  const fd = memfdCreate('test')
  t.teardown(() => fs.closeSync(fd))
  utime(fd, { ns: [1n, -1n] })
  t.deepEqual(timesOf(fd), [1n, -1n])
})

const nanoseconds: Record<string, bigint> = {
  'the first moment': 0n,
  'a nanosecond after': 1n,
  'a nanosecond before': -1n,
  'a second before': -SECOND,
  'a second and a nanosecond before': -SECOND - 1n,
  'the last moment of a second': 1_700_000_000_999_999_999n,
  'beyond the digits of a double': 1_700_000_000_123_456_789n,
  'the start of 32 bits': -(2n ** 31n) * SECOND,
  'the end of 32 bits': 2n ** 31n * SECOND - 1n,
  'after 2038': 2n ** 31n * SECOND + 123_456_789n,
  'after 2106': 2n ** 32n * SECOND + 987_654_321n,
}

for (const [what, time] of Object.entries(nanoseconds)) {
  onLinux(`ns in each position: ${what}`, (t) => {
    const path = `${makeTree(t, { file: '' })}/file`
    utime(path, { ns: [time, 5n] })
    t.deepEqual(timesOf(path), [time, 5n])
    utime(path, { ns: [6n, time] })
    t.deepEqual(timesOf(path), [6n, time])
  })
}

const seconds = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  -1.5,
  0.1,
  -0.1,
  0.3,
  -0.3,
  1e-9,
  -1e-9,
  1.999999999,
  -1.999999999,
  1e-20,
  -1e-20,
  -1e-320,
  0.9999999999,
  -0.9999999999,
  1_700_000_000.123_456_7,
  -1_700_000_000.123_456_7,
  2 ** 31 - 0.25,
  2 ** 31 + 0.25,
  2 ** 32 + 0.125,
  -(2 ** 31),
]

unless(notLinux || missing('python3'))('fractions of seconds in times are truncated as in Python', (t) => {
  const top = makeTree(t, { ours: '', pythons: '' })
  const input = JSON.stringify(seconds)
  const output = execFileSync('python3', [programPath('files/utime.py'), `${top}/pythons`], {
    input,
    encoding: 'utf8',
  })
  const ours = seconds.map((time) => {
    utime(`${top}/ours`, { times: [time, -time] })
    return timesOf(`${top}/ours`).map(String)
  })
  const label = (found: string[][]) => seconds.map((time, index) => [time, found[index]])
  t.deepEqual(label(ours), label(JSON.parse(output)))
})

test('times accepts Dates before 1970 and after 2038, and a Date beside a number', (t) => {
  const path = `${makeTree(t, { file: '' })}/file`
  for (const ms of [0, 1, -1, 999, -999, 1_700_000_000_123, -1_500, 4_300_000_000_001]) {
    utime(path, { times: [new Date(ms), 3] })
    t.deepEqual(timesOf(path), [BigInt(ms) * 1_000_000n, 3n * SECOND])
    utime(path, { times: [3, new Date(ms)] })
    t.is(stat(path).mtimeMs, ms)
  }
})

test('a time that stat returned is restored exactly', (t) => {
  const top = makeTree(t, { from: '', to: '' })
  const { atimeNs, mtimeNs } = stat(`${top}/from`, { bigint: true })
  utime(`${top}/to`, { ns: [atimeNs, mtimeNs] })
  t.deepEqual(timesOf(`${top}/to`), [atimeNs, mtimeNs])
})

const isNow = (ns: bigint) => Math.abs(Number(ns / 1_000_000n) - Date.now()) < 60_000

test('sets the current time by default', (t) => {
  const path = `${makeTree(t, { file: '' })}/file`
  for (const options of [
    undefined,
    {},
    { times: undefined, ns: undefined },
    { times: [UTIME_NOW, UTIME_NOW] },
  ]) {
    utime(path, { ns: [0n, 0n] })
    utime(path, options as UtimeOptions)
    for (const time of timesOf(path)) t.true(isNow(time))
  }
  utime(path, { ns: [0n, 0n] })
  utime(opened(t, path))
  for (const time of timesOf(path)) t.true(isNow(time))
})

test('UTIME_NOW and UTIME_OMIT work in each position of times and ns', (t) => {
  const path = `${makeTree(t, { file: '' })}/file`
  for (const [name, given] of [
    ['times', 5],
    ['ns', 5n * SECOND],
  ] as const) {
    const set = (...both: unknown[]) => {
      utime(path, { ns: [1n, 2n] })
      utime(path, { [name]: both })
      return timesOf(path)
    }
    t.deepEqual(set(UTIME_OMIT, given), [1n, 5n * SECOND])
    t.deepEqual(set(given, UTIME_OMIT), [5n * SECOND, 2n])
    t.deepEqual(set(UTIME_OMIT, UTIME_OMIT), [1n, 2n])
    const [atime, mtime] = set(UTIME_NOW, UTIME_OMIT)
    t.true(isNow(atime))
    t.is(mtime, 2n)
    const [before, now] = set(UTIME_OMIT, UTIME_NOW)
    t.is(before, 1n)
    t.true(isNow(now))
    const [present, fixed] = set(UTIME_NOW, given)
    t.true(isNow(present))
    t.is(fixed, 5n * SECOND)
  }
})

test('the numbers that C uses for UTIME_NOW and UTIME_OMIT are times', (t) => {
  const path = `${makeTree(t, { file: '' })}/file`
  const [now, omit] = [0x3fffffffn, 0x3ffffffen]
  utime(path, { ns: [now, omit] })
  t.deepEqual(timesOf(path), [now, omit])
  utime(path, { times: [Number(now), Number(omit)] })
  t.deepEqual(timesOf(path), [now * SECOND, omit * SECOND])
})

test('followSymlinks selects the link or its target', (t) => {
  const top = makeTree(t, { file: '', alias: link('file'), dangling: link('nothing') })
  const dirFd = opened(t, top)
  const itself = (name: string) => timesOf(`${top}/${name}`, { followSymlinks: false })[1]
  for (const [index, options] of [{}, { dirFd }].entries()) {
    const path = index === 0 ? `${top}/` : ''
    const at = (time: number): Ns => [0n, BigInt(time + index)]
    utime(`${path}alias`, { ...options, ns: at(100), followSymlinks: false })
    utime(`${path}dangling`, { ...options, ns: at(200), followSymlinks: false })
    utime(`${path}alias`, { ...options, ns: at(300) })
    t.deepEqual([itself('alias'), itself('dangling'), itself('file')], [at(100)[1], at(200)[1], at(300)[1]])
    t.throws(() => utime(`${path}dangling`, options), { code: 'ENOENT' })
  }
  const fd = opened(t, `${top}/file`)
  t.throws(() => utime(fd, { followSymlinks: false }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => utime(fd, { dirFd }), { code: 'ERR_INVALID_ARG_VALUE' })
})

test('rejects invalid times, and times together with ns', (t) => {
  const path = `${makeTree(t, { file: '' })}/file`
  utime(path, { ns: [1n, 2n] })
  t.throws(() => utime(path, { times: [1, 2], ns: [1n, 2n] }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /options\.ns/,
  })
  for (const wrong of [
    null,
    5,
    'x',
    {},
    [],
    [1],
    [1, 2, 3],
    ['1', 2],
    [1, '2'],
    [1n, 2n],
    [null, 1],
    [1, Symbol('x')],
  ]) {
    t.throws(() => utime(path, { times: wrong as never }), { code: 'ERR_INVALID_ARG_TYPE' }, inspect(wrong))
  }
  for (const wrong of [null, 5n, [1n], [1, 2], [1n, 2], [new Date(), 1n], [1n, Symbol('x')]]) {
    t.throws(() => utime(path, { ns: wrong as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  for (const wrong of [Number.NaN, Infinity, -Infinity, 1e300, 2 ** 53, new Date(Number.NaN)]) {
    t.throws(() => utime(path, { times: [wrong, 0] }), {
      code: 'ERR_OUT_OF_RANGE',
      message: /options\.times\[0\]/,
    })
    t.throws(() => utime(path, { times: [0, wrong] }), {
      code: 'ERR_OUT_OF_RANGE',
      message: /options\.times\[1\]/,
    })
  }
  for (const wrong of [2n ** 53n * SECOND, -(2n ** 100n)]) {
    t.throws(() => utime(path, { ns: [wrong, 0n] }), { code: 'ERR_OUT_OF_RANGE' })
  }
  t.deepEqual(timesOf(path), [1n, 2n])
})

onLinux('throws the same errors as node:fs', (t) => {
  const top = makeTree(t, { file: '', loop: link('loop') })
  for (const path of [`${top}/none`, `${top}/file/x`, `${top}/loop`, '']) {
    const error = thrown(() => utime(path, { times: [1, 2] }))
    t.deepEqual(look(error), look(thrown(() => fs.utimesSync(path, 1, 2))))
    t.is(error.syscall, 'utimensat')
  }
})

asRoot('the owner alone may set any time; a user who may write the file may set the current one', (t) => {
  const top = makeTree(t, { writable: '', closed: '' })
  fs.chmodSync(top, 0o755)
  fs.chmodSync(`${top}/writable`, 0o666)
  const script = `
    nobody()
    const attempt = (name, options) => {
      try { fdkit.utime(args[0] + '/' + name, options); return 'done' } catch (error) { return error.code }
    }
    answer(['writable', 'closed'].map((name) => [attempt(name), attempt(name, { times: [1, 2] })]))
  `
  t.deepEqual(child(script, { args: [top] }), [
    ['done', 'EPERM'],
    ['EACCES', 'EPERM'],
  ])
})
