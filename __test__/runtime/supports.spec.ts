// Tests supportsDirFd, supportsFd and supportsFollowSymlinks: each member works that way, and no other
// function does.
import * as fs from 'node:fs'

import test from 'ava'
import * as fdkit from 'fdkit'
import { supportsDirFd, supportsFd, supportsFollowSymlinks } from 'fdkit'

import { opened } from '../helpers/open.js'
import { notLinux, unless } from '../helpers/platform.js'
import { link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
type AnyFunction = (...args: unknown[]) => unknown

const functions = Object.entries(fdkit).filter(([, value]) => typeof value === 'function') as [
  string,
  AnyFunction,
][]
const namesOf = (set: ReadonlySet<unknown>) =>
  functions.filter(([, call]) => set.has(call)).map(([name]) => name)

/** The functions that return false instead of throwing. */
const answers = (name: string) => name === 'canAccess' || name === 'exists'

/** Returns the first result of statAll, which returns errors instead of throwing. */
function orThrow(results: unknown[]): unknown {
  if (results[0] instanceof Error) throw results[0]
  return results[0]
}

// A call of each function relative to a directory, with an effect or a result that can be checked.
const relative: Record<string, (dirFd: number) => unknown> = {
  access: (dirFd) => fdkit.access('file', 0, { dirFd }),
  canAccess: (dirFd) => fdkit.canAccess('file', 0, { dirFd }),
  chmod: (dirFd) => fdkit.chmod('file', 0o600, { dirFd }),
  chown: (dirFd) => fdkit.chown('file', -1, -1, { dirFd }),
  diskUsage: (dirFd) => fdkit.diskUsage('dir', { dirFd }),
  exists: (dirFd) => fdkit.exists('file', { dirFd }),
  fwalk: (dirFd) => [...fdkit.fwalk('dir', { dirFd })].length > 0,
  link: (dirFd) => fdkit.link('file', 'linked', { srcDirFd: dirFd, dstDirFd: dirFd }),
  listdir: (dirFd) => fdkit.listdir('dir', { dirFd }),
  lstat: (dirFd) => fdkit.lstat('file', { dirFd }),
  mkdir: (dirFd) => fdkit.mkdir('made', 0o700, { dirFd }),
  mkfifo: (dirFd) => fdkit.mkfifo('fifo', 0o600, { dirFd }),
  mknod: (dirFd) => fdkit.mknod('node', 0o600, 0, { dirFd }),
  open: (dirFd) => fs.closeSync(fdkit.open('file', 'r', { dirFd })),
  readlink: (dirFd) => fdkit.readlink('alias', { dirFd }),
  rename: (dirFd) => fdkit.rename('file', 'renamed', { srcDirFd: dirFd, dstDirFd: dirFd }),
  replace: (dirFd) => fdkit.replace('file', 'renamed', { srcDirFd: dirFd, dstDirFd: dirFd }),
  rmdir: (dirFd) => fdkit.rmdir('dir', { dirFd }),
  rmtree: (dirFd) => fdkit.rmtree('dir', { dirFd }),
  scandir: (dirFd) => fdkit.scandir('dir', { dirFd }),
  stat: (dirFd) => fdkit.stat('file', { dirFd }),
  statAll: (dirFd) => orThrow(fdkit.statAll(['file'], { dirFd })),
  statvfs: (dirFd) => fdkit.statvfs('file', { dirFd }),
  symlink: (dirFd) => fdkit.symlink('file', 'other', { dirFd }),
  unlink: (dirFd) => fdkit.unlink('file', { dirFd }),
  utime: (dirFd) => fdkit.utime('file', { dirFd }),
}

onLinux('supportsDirFd contains exactly the functions that take dirFd', (t) => {
  for (const [name, call] of Object.entries(relative)) {
    const dirFd = opened(t, makeTree(t, { file: '', dir: {}, alias: link('file') }))
    t.not(call(dirFd), false, name)
    if (answers(name)) t.is(call(999_999), false)
    else t.throws(() => call(999_999), { code: 'EBADF' }, name)
  }
  t.deepEqual(namesOf(supportsDirFd), Object.keys(relative))
  t.is(supportsDirFd.size, Object.keys(relative).length)
})

test('supportsDirFd: each member rejects a dirFd that is not a directory', (t) => {
  const top = makeTree(t, { file: '' })
  for (const [name, call] of Object.entries(relative)) {
    if (answers(name)) continue
    t.throws(() => call(opened(t, `${top}/file`)), { code: 'ENOTDIR' }, name)
  }
})

const withFd: Record<string, (fd: number) => unknown> = {
  chmod: (fd) => fdkit.chmod(fd, 0o700),
  chown: (fd) => fdkit.chown(fd, -1, -1),
  listdir: (fd) => fdkit.listdir(fd),
  scandir: (fd) => [...fdkit.scandir(fd)],
  stat: (fd) => fdkit.stat(fd),
  statvfs: (fd) => fdkit.statvfs(fd),
  utime: (fd) => fdkit.utime(fd),
}

onLinux('supportsFd contains exactly the functions that take a descriptor as the path', (t) => {
  const fd = opened(t, makeTree(t, { file: '' }))
  for (const [name, call] of Object.entries(withFd)) {
    t.notThrows(() => call(fd), name)
    t.throws(() => call(999_999), { code: 'EBADF' }, name)
  }
  t.deepEqual(namesOf(supportsFd), Object.keys(withFd))
  t.is(supportsFd.size, Object.keys(withFd).length)
  for (const name of Object.keys(relative).filter((name) => !(name in withFd))) {
    const call = fdkit[name as keyof typeof fdkit] as AnyFunction
    t.throws(() => call(fd, 'x', 'y'), { code: 'ERR_INVALID_ARG_TYPE' }, name)
  }
})

// Calls on a dangling link with followSymlinks: false succeed only if the function does not follow it.
const itself: Record<string, (path: string, followSymlinks?: boolean) => unknown> = {
  access: (path, followSymlinks) => fdkit.access(path, 0, { followSymlinks }),
  canAccess: (path, followSymlinks) => fdkit.canAccess(path, 0, { followSymlinks }),
  chmod: (path, followSymlinks) => fdkit.chmod(path, 0o600, { followSymlinks }),
  chown: (path, followSymlinks) => fdkit.chown(path, -1, -1, { followSymlinks }),
  exists: (path, followSymlinks) => fdkit.exists(path, { followSymlinks }),
  fwalk: (path, followSymlinks) => [...fdkit.fwalk(path, { followSymlinks })],
  link: (path, followSymlinks) => fdkit.link(path, `${path}.linked`, { followSymlinks }),
  stat: (path, followSymlinks) => fdkit.stat(path, { followSymlinks }),
  statAll: (path, followSymlinks) => orThrow(fdkit.statAll([path], { followSymlinks })),
  utime: (path, followSymlinks) => fdkit.utime(path, { followSymlinks }),
}

onLinux('supportsFollowSymlinks: each member takes followSymlinks', (t) => {
  const path = `${makeTree(t, { dangling: link('nothing') })}/dangling`
  const outcome = (call: () => unknown) => {
    try {
      return call() === false ? 'false' : 'done'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    }
  }
  for (const [name, call] of Object.entries(itself)) {
    t.is(
      outcome(() => call(path, true)),
      answers(name) ? 'false' : 'ENOENT',
      name,
    )
    // Linux has no permissions of links.
    t.is(
      outcome(() => call(path, false)),
      name === 'chmod' ? 'ENOTSUP' : 'done',
      name,
    )
    // fwalk does not follow links by default, as in Python.
    if (name !== 'fwalk')
      t.is(
        outcome(() => call(path)),
        answers(name) ? 'false' : 'ENOENT',
        name,
      )
  }
  t.deepEqual(namesOf(supportsFollowSymlinks), Object.keys(itself))
  t.is(supportsFollowSymlinks.size, Object.keys(itself).length)
})
