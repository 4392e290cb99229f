// Tests dup, getInheritable and setInheritable.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import { dup, fwalk, getInheritable, listdir, open, setInheritable, stat } from 'fdkit'

import { countFds } from '../helpers/fds.js'
import { notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)

function owned(t: ExecutionContext, fd: number): number {
  t.teardown(() => fs.closeSync(fd))
  return fd
}

test('dup returns another descriptor of the same open file', (t) => {
  const fd = owned(t, open(`${makeTree(t, { file: 'abcdef' })}/file`))
  const copy = owned(t, dup(fd))
  t.not(copy, fd)
  t.is(stat(copy).ino, stat(fd).ino)
  const bytes = Buffer.alloc(3)
  fs.readSync(fd, bytes)
  fs.readSync(copy, bytes)
  t.is(bytes.toString(), 'def')
})

test('dup: the duplicate stays open when the original is closed', (t) => {
  const fd = open(makeTree(t, { file: '' }))
  const copy = owned(t, dup(fd))
  fs.closeSync(fd)
  t.deepEqual(listdir(copy), ['file'])
})

test('dup keeps a descriptor that a walk yielded', (t) => {
  const top = makeTree(t, { a: { inA: '' }, b: { inB: '' } })
  const kept = new Map<string, number>()
  for (const [dirpath, , , dirfd] of fwalk(top)) kept.set(dirpath, owned(t, dup(dirfd)))
  t.deepEqual(listdir(kept.get(`${top}/a`)), ['inA'])
  t.deepEqual(listdir(kept.get(`${top}/b`)), ['inB'])
})

test('dup: the duplicate is never inheritable, as in Python', (t) => {
  const fd = owned(t, open('/'))
  for (const inheritable of [false, true]) {
    setInheritable(fd, inheritable)
    t.false(getInheritable(owned(t, dup(fd))))
  }
})

onLinux('dup: a failed call leaks no descriptor', (t) => {
  const before = countFds()
  t.throws(() => dup(999_999), { code: 'EBADF', message: 'EBADF: bad file descriptor, dup' })
  t.is(countFds(), before)
})

test('getInheritable returns what setInheritable has set, any number of times', (t) => {
  const fd = owned(t, open('/'))
  for (const inheritable of [true, true, false, false, true]) {
    t.is(setInheritable(fd, inheritable), undefined)
    t.is(getInheritable(fd), inheritable)
  }
})

test('getInheritable is false for a descriptor that node:fs opened', (t) => {
  t.false(getInheritable(owned(t, fs.openSync('/', 'r'))))
})

onLinux('a child process inherits the descriptor only if it is inheritable', (t) => {
  const top = makeTree(t, { 'known-name': '' })
  const fd = owned(t, open(`${top}/known-name`))
  const seen = () => spawnSync('readlink', [`/proc/self/fd/${fd}`], { encoding: 'utf8' }).stdout.trim()
  t.not(seen(), `${top}/known-name`)
  setInheritable(fd, true)
  t.is(seen(), `${top}/known-name`)
  setInheritable(fd, false)
  t.not(seen(), `${top}/known-name`)
})

test('getInheritable and setInheritable of a descriptor that is not open are EBADF', (t) => {
  for (const call of [getInheritable, (fd: number) => setInheritable(fd, true)]) {
    t.throws(() => call(999_999), { code: 'EBADF', message: 'EBADF: bad file descriptor, fcntl' })
  }
})
