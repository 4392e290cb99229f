// Tests link, symlink and readlink.
import * as fs from 'node:fs'

import test from 'ava'
import { link, listdir, lstat, readlink, stat, symlink } from 'fdkit'

import { look, thrown } from '../helpers/errors.js'
import { forms, opened, relativeForms } from '../helpers/open.js'
import { notLinux, unless } from '../helpers/platform.js'
import { link as linkTo, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const ino = (path: string) => fs.lstatSync(path).ino

test('link creates a second name for a file, with every form of path', (t) => {
  const top = makeTree(t, { file: 'contents' })
  for (const [index] of forms('').entries()) {
    t.is(link(forms(`${top}/file`)[index] as string, forms(`${top}/b ${index}`)[index] as string), undefined)
    t.is(ino(`${top}/b ${index}`), ino(`${top}/file`))
  }
  t.is(fs.statSync(`${top}/file`).nlink, 1 + forms('').length)
})

test('link: srcDirFd and dstDirFd each apply to their own path', (t) => {
  const top = makeTree(t, { from: { file: 'from' }, to: { file: 'to' } })
  const [srcDirFd, dstDirFd] = [opened(t, `${top}/from`), opened(t, `${top}/to`)]
  for (const [index, src] of relativeForms('file').entries()) {
    link(src as string, relativeForms(`x${index}`)[index] as string, { srcDirFd, dstDirFd })
    t.is(fs.readFileSync(`${top}/to/x${index}`, 'utf8'), 'from')
  }
  link('file', `${top}/absolute`, { srcDirFd })
  t.is(fs.readFileSync(`${top}/absolute`, 'utf8'), 'from')
  link(`${top}/to/file`, 'back', { srcDirFd: 999_999, dstDirFd: srcDirFd })
  t.is(fs.readFileSync(`${top}/from/back`, 'utf8'), 'to')
  t.throws(() => link('file', `${top}/x`, { dstDirFd }), { code: 'ENOENT' })
  t.throws(() => link('file', 'x', { srcDirFd: 999_999, dstDirFd }), { code: 'EBADF' })
  t.throws(() => link('file', 'x', { srcDirFd, dstDirFd: 999_999 }), { code: 'EBADF' })
  const fileFd = opened(t, `${top}/from/file`)
  t.throws(() => link('file', 'x', { srcDirFd: fileFd, dstDirFd }), { code: 'ENOTDIR' })
})

test('link: followSymlinks selects the link or its target, with and without descriptors', (t) => {
  const top = makeTree(t, { file: '', alias: linkTo('file'), dangling: linkTo('nothing') })
  const dirFd = opened(t, top)
  for (const [index, ends] of [{}, { srcDirFd: dirFd, dstDirFd: dirFd }].entries()) {
    const path = (name: string) => (index === 0 ? `${top}/${name}` : name)
    const made = (name: string) => ino(`${top}/${name}${index}`)
    link(path('alias'), path(`default${index}`), ends)
    link(path('alias'), path(`followed${index}`), { ...ends, followSymlinks: true })
    link(path('alias'), path(`itself${index}`), { ...ends, followSymlinks: false })
    link(path('dangling'), path(`dangling${index}`), { ...ends, followSymlinks: false })
    t.is(made('default'), ino(`${top}/file`))
    t.is(made('followed'), ino(`${top}/file`))
    t.is(made('itself'), ino(`${top}/alias`))
    t.is(made('dangling'), ino(`${top}/dangling`))
    t.throws(() => link(path('dangling'), path('x'), ends), { code: 'ENOENT' })
  }
})

onLinux('link throws the same errors as node:fs', (t) => {
  const top = makeTree(t, { file: '', other: '', dir: {} })
  for (const [src, dst, code] of [
    ['file', 'other', 'EEXIST'],
    ['none', 'x', 'ENOENT'],
    ['file', 'none/x', 'ENOENT'],
    ['dir', 'x', 'EPERM'],
    ['file', 'file', 'EEXIST'],
    ['file/x', 'x', 'ENOTDIR'],
  ]) {
    const [from, to] = [`${top}/${src}`, `${top}/${dst}`]
    const error = thrown(() => link(from, to))
    t.is(error.code, code)
    t.deepEqual(look(error), look(thrown(() => fs.linkSync(from, to))))
    t.like(error, { path: from, dest: to, syscall: 'linkat' })
    t.true(error.message.endsWith(`, linkat '${from}' -> '${to}'`))
  }
})

onLinux('link to another file system is EXDEV', (t) => {
  const top = makeTree(t)
  t.throws(() => link('/proc/self/status', `${top}/x`), { code: 'EXDEV' })
})

test('symlink accepts every form of path and stores the target unchanged', (t) => {
  const top = makeTree(t, { dir: {} })
  for (const [index, target] of relativeForms('../any where').entries()) {
    t.is(symlink(target as string, forms(`${top}/${index}`)[index] as string), undefined)
    t.is(fs.readlinkSync(`${top}/${index}`), '../any where')
  }
  symlink(new URL(`file://${top}/a%20b`), new URL(`file://${top}/by%20URL`))
  t.is(fs.readlinkSync(`${top}/by URL`), `${top}/a b`)
})

test('symlink: the path starts at dirFd, and the target is not changed by it', (t) => {
  const top = makeTree(t, { dir: {}, file: '' })
  const dirFd = opened(t, `${top}/dir`)
  symlink('../file', 'up', { dirFd })
  symlink('nothing', Buffer.from('dangling'), { dirFd })
  symlink('dir', '../toDir', { dirFd })
  symlink('x', `${top}/absolute`, { dirFd: 999_999 })
  t.deepEqual(listdir(dirFd).sort(), ['dangling', 'up'])
  t.is(stat('up', { dirFd }).ino, ino(`${top}/file`))
  t.is(fs.readlinkSync(`${top}/toDir`), 'dir')
  t.throws(() => symlink('x', 'y', { dirFd: 999_999 }), { code: 'EBADF' })
  t.throws(() => symlink('x', 'y', { dirFd: opened(t, `${top}/file`) }), { code: 'ENOTDIR' })
})

onLinux('symlink throws the same errors as node:fs: path is the target and dest the link', (t) => {
  const top = makeTree(t, { file: '', dangling: linkTo('nothing') })
  for (const [target, name, code] of [
    ['x', 'file', 'EEXIST'],
    ['x', 'dangling', 'EEXIST'],
    ['x', 'none/y', 'ENOENT'],
    ['', 'y', 'ENOENT'],
    ['x', 'file/y', 'ENOTDIR'],
    ['x'.repeat(4096), 'y', 'ENAMETOOLONG'],
  ] as const) {
    const path = `${top}/${name}`
    const error = thrown(() => symlink(target, path))
    t.is(error.code, code)
    t.deepEqual(look(error), look(thrown(() => fs.symlinkSync(target, path))))
    t.like(error, { path: target, dest: path, syscall: 'symlinkat' })
  }
})

test('readlink accepts every form of path and returns a string, or a Buffer for a path of bytes', (t) => {
  const top = makeTree(t, { 'a b': linkTo('../x y') })
  for (const path of forms(`${top}/a b`)) {
    const text = readlink(path as string) as string | Buffer
    t.is(Buffer.isBuffer(text), path instanceof Uint8Array)
    t.is(String(text), '../x y')
  }
})

test('readlink: dirFd follows a directory that was renamed', (t) => {
  const top = makeTree(t, { dir: { link: linkTo('inside') }, link: linkTo('outside') })
  const dirFd = opened(t, `${top}/dir`)
  fs.renameSync(`${top}/dir`, `${top}/moved`)
  t.is(readlink('link', { dirFd }), 'inside')
  t.deepEqual(readlink(Buffer.from('link'), { dirFd }), Buffer.from('inside'))
  t.is(readlink('../link', { dirFd }), 'outside')
  t.is(readlink(`${top}/link`, { dirFd: 999_999 }), 'outside')
  t.throws(() => readlink('link', { dirFd: 999_999 }), { code: 'EBADF' })
})

onLinux('readlink returns targets of every possible length', (t) => {
  const top = makeTree(t)
  for (const length of [1, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025, 4094, 4095]) {
    const text = 'ab/'.repeat(length).slice(0, length)
    fs.symlinkSync(text, `${top}/${length}`)
    t.is(readlink(`${top}/${length}`), text)
    t.deepEqual(readlink(Buffer.from(`${top}/${length}`)), Buffer.from(text))
  }
})

onLinux('readlink returns links of /proc, whose length lstat reports as 0', (t) => {
  t.is(lstat('/proc/self/exe').size, 0)
  t.is(readlink('/proc/self/exe'), fs.readlinkSync('/proc/self/exe'))
  t.is(readlink('/proc/self/cwd'), process.cwd())
})

onLinux('readlink returns a target that is not UTF-8 as symlink stored it', (t) => {
  const top = makeTree(t)
  const bytes = Buffer.from([0x66, 0xff, 0x2f, 0xed, 0xa0, 0x80, 0xc3])
  fs.symlinkSync(bytes, `${top}/link`)
  const text = readlink(`${top}/link`)
  t.is(text, 'f\udcff/\udced\udca0\udc80\udcc3')
  t.deepEqual(readlink(Buffer.from(`${top}/link`)), bytes)
  symlink(text, `${top}/again`)
  symlink(bytes, Buffer.from(`${top}/bytes`))
  for (const name of ['again', 'bytes']) {
    t.deepEqual(fs.readlinkSync(`${top}/${name}`, 'buffer'), bytes)
  }
})

onLinux('readlink throws the same errors as node:fs', (t) => {
  const top = makeTree(t, { file: '', dir: {}, toDir: linkTo('dir') })
  for (const [name, code] of [
    ['file', 'EINVAL'],
    ['dir', 'EINVAL'],
    ['none', 'ENOENT'],
    ['file/x', 'ENOTDIR'],
    ['toDir/', 'EINVAL'],
  ]) {
    const error = thrown(() => readlink(`${top}/${name}`))
    t.is(error.code, code)
    t.deepEqual(look(error), look(thrown(() => fs.readlinkSync(`${top}/${name}`))))
    t.is(error.syscall, 'readlinkat')
  }
  t.throws(() => readlink(''), { code: 'ENOENT' })
})
