// Tests chmod and chown.
import * as fs from 'node:fs'
import { constants, release } from 'node:os'

import test from 'ava'
import { chmod, chown, memfdCreate } from 'fdkit'

import { child } from '../helpers/child.js'
import { look, thrown } from '../helpers/errors.js'
import { forms, opened, relativeForms } from '../helpers/open.js'
import { notLinux, notRoot, unless } from '../helpers/platform.js'
import { hiding, noSeccomp } from '../helpers/seccomp.js'
import { link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const asRoot = unless(notLinux || notRoot)
const mode = (path: string) => fs.lstatSync(path).mode & 0o7777

test('chmod accepts every form of path, numbers and octal strings, and all twelve bits', (t) => {
  const path = `${makeTree(t, { 'a b': '' })}/a b`
  for (const form of forms(path)) {
    for (const [given, expected] of [
      [0o600, 0o600],
      ['750', 0o750],
      ['0644', 0o644],
      [0, 0],
      [0o7777, 0o7777],
    ] as const) {
      t.is(chmod(form as string, given), undefined)
      t.is(mode(path), expected)
    }
  }
  for (const wrong of ['8', '0o7', '', 'rwx']) {
    t.throws(() => chmod(path, wrong), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  for (const wrong of [-1, 2 ** 32, 0.5]) t.throws(() => chmod(path, wrong), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => chmod(path, undefined as never), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('chmod: dirFd follows a directory that was renamed', (t) => {
  const top = makeTree(t, { dir: { file: '' }, file: '' })
  const dirFd = opened(t, `${top}/dir`)
  fs.renameSync(`${top}/dir`, `${top}/moved`)
  for (const [index, form] of relativeForms('file').entries()) {
    chmod(form as string, 0o600 + index, { dirFd })
    t.is(mode(`${top}/moved/file`), 0o600 + index)
  }
  chmod('../file', 0o606, { dirFd })
  t.is(mode(`${top}/file`), 0o606)
  chmod(`${top}/file`, 0o660, { dirFd: 999_999 })
  t.is(mode(`${top}/file`), 0o660)
  t.throws(() => chmod('file', 0o600, { dirFd: 999_999 }), { code: 'EBADF' })
  t.throws(() => chmod('x', 0o600, { dirFd: opened(t, `${top}/file`) }), { code: 'ENOTDIR' })
})

test('chmod and chown accept a descriptor of a file and of a directory', (t) => {
  const top = makeTree(t, { file: '', dir: {} })
  for (const name of ['file', 'dir']) {
    const fd = opened(t, `${top}/${name}`)
    chmod(fd, '701')
    t.is(mode(`${top}/${name}`), 0o701)
    t.is(chown(fd, -1, -1), undefined)
  }
  for (const call of [
    (...rest: object[]) => chmod(0, 0o600, ...rest),
    (...rest: object[]) => chown(0, -1, -1, ...rest),
  ]) {
    t.throws(() => call({ dirFd: 0 }), { code: 'ERR_INVALID_ARG_VALUE' })
    t.throws(() => call({ followSymlinks: false }), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  t.like(
    thrown(() => chmod(999_999, 0o600)),
    { code: 'EBADF', syscall: 'fchmod', path: undefined },
  )
  t.like(
    thrown(() => chown(999_999, -1, -1)),
    { code: 'EBADF', syscall: 'fchown', path: undefined },
  )
})

onLinux('chmod changes a memory file', (t) => {
  const fd = memfdCreate('test')
  t.teardown(() => fs.closeSync(fd))
  chmod(fd, 0o400)
  t.is(fs.fstatSync(fd).mode & 0o7777, 0o400)
})

test('chmod follows symbolic links by default', (t) => {
  const top = makeTree(t, { file: '', alias: link('file'), dangling: link('nothing') })
  const dirFd = opened(t, top)
  for (const [index, options] of [undefined, {}, { followSymlinks: true }, { dirFd }].entries()) {
    chmod(options?.dirFd === undefined ? `${top}/alias` : 'alias', 0o600 + index, options)
    t.is(mode(`${top}/file`), 0o600 + index)
  }
  t.throws(() => chmod(`${top}/dangling`, 0o600), { code: 'ENOENT' })
})

const attemptWithoutFollowing = 'files/change-without-following.mjs'

function lacksFchmodat2(): string | false {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 6) ? false : 'needs Linux 6.6'
}

unless(notLinux || lacksFchmodat2())(
  'chmod with followSymlinks: false changes a file, and is ENOTSUP for a link',
  (t) => {
    const top = makeTree(t, { file: '', alias: link('file') })
    fs.chmodSync(`${top}/file`, 0o600)
    const refused = ['ENOTSUP', 'fchmodat2', 'alias']
    t.deepEqual(child(attemptWithoutFollowing, { args: [top] }), [
      'done',
      refused,
      refused,
      ['ENOENT', 'fchmodat2', 'none'],
    ])
    t.is(mode(`${top}/file`), 0o640)
  },
)

unless(noSeccomp)(
  'chmod with followSymlinks: false is ENOTSUP if the kernel lacks fchmodat2, and makes no weaker call',
  (t) => {
    const top = makeTree(t, { file: '', alias: link('file') })
    fs.chmodSync(`${top}/file`, 0o600)
    const options = { args: [top], ...hiding('fchmodat2', constants.errno.ENOSYS) }
    const refused = ['file', 'alias', 'alias', 'none'].map((name) => ['ENOTSUP', 'fchmodat2', name])
    t.deepEqual(child(attemptWithoutFollowing, options), refused)
    t.is(mode(`${top}/file`), 0o600)
  },
)

onLinux('chmod and chown throw the same errors as node:fs', (t) => {
  const top = makeTree(t, { file: '', loop: link('loop') })
  for (const path of [`${top}/none`, `${top}/file/x`, `${top}/loop`, `${top}/${'x'.repeat(256)}`, '']) {
    t.deepEqual(look(thrown(() => chmod(path, 0o600))), look(thrown(() => fs.chmodSync(path, 0o600))))
    t.deepEqual(look(thrown(() => chown(path, 0, 0))), look(thrown(() => fs.chownSync(path, 0, 0))))
  }
  t.is(thrown(() => chmod(`${top}/none`, 0)).syscall, 'fchmodat')
  t.is(thrown(() => chown(`${top}/none`, 0, 0)).syscall, 'fchownat')
})

asRoot('chown changes the owner and the group, and -1 in both forms leaves an id unchanged', (t) => {
  const top = makeTree(t, { file: '', alias: link('file') })
  const owners = (name = 'file') => {
    const { uid, gid } = fs.lstatSync(`${top}/${name}`)
    return [uid, gid]
  }
  for (const form of forms(`${top}/file`)) {
    t.is(chown(form as string, 11, 12), undefined)
    t.deepEqual(owners(), [11, 12])
    chown(form as string, 21, -1)
    t.deepEqual(owners(), [21, 12])
    chown(form as string, 2 ** 32 - 1, 22)
    t.deepEqual(owners(), [21, 22])
    chown(form as string, -1, -1)
    chown(form as string, 2 ** 32 - 1, 2 ** 32 - 1)
    t.deepEqual(owners(), [21, 22])
  }
  chown(`${top}/file`, 2 ** 32 - 2, 2 ** 31)
  t.deepEqual(owners(), [2 ** 32 - 2, 2 ** 31])
  chown(opened(t, `${top}/file`), 1, 2)
  t.deepEqual(owners(), [1, 2])
})

asRoot('chown: followSymlinks selects the link or its target, with and without dirFd', (t) => {
  const top = makeTree(t, { file: '', alias: link('file'), dangling: link('nothing') })
  const owner = (name: string) => fs.lstatSync(`${top}/${name}`).uid
  const dirFd = opened(t, top)
  for (const [index, options] of [{}, { dirFd }].entries()) {
    const path = index === 0 ? `${top}/` : ''
    chown(`${path}alias`, 100 + index, -1, options)
    t.deepEqual([owner('file'), owner('alias')], [100 + index, index === 0 ? 0 : 200])
    chown(`${path}alias`, 200 + index, -1, { ...options, followSymlinks: false })
    chown(`${path}dangling`, 300 + index, -1, { ...options, followSymlinks: false })
    t.deepEqual([owner('file'), owner('alias'), owner('dangling')], [100 + index, 200 + index, 300 + index])
    t.throws(() => chown(`${path}dangling`, 1, 1, options), { code: 'ENOENT' })
  }
  t.throws(() => chown('file', 1, 1, { dirFd: 999_999 }), { code: 'EBADF' })
})

asRoot('chmod and chown are EPERM for a file of another user', (t) => {
  const top = makeTree(t, { file: '' })
  fs.chmodSync(top, 0o755)
  const script = `
    nobody()
    const attempt = (call) => { try { call() } catch (error) { return error.code } }
    const fd = fs.openSync(args[0])
    answer([
      attempt(() => fdkit.chmod(args[0], 0o777)), attempt(() => fdkit.chmod(fd, 0o777)),
      attempt(() => fdkit.chown(args[0], 65534, -1)), attempt(() => fdkit.chown(fd, -1, 65534)),
    ])
  `
  t.deepEqual(child(script, { args: [`${top}/file`] }), ['EPERM', 'EPERM', 'EPERM', 'EPERM'])
})

test('chown rejects invalid ids', (t) => {
  for (const id of [-2, 2 ** 32, 0.5, Number.NaN]) {
    t.throws(() => chown('/nonexistent', id, 0), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => chown('/nonexistent', 0, id), { code: 'ERR_OUT_OF_RANGE' })
  }
  for (const id of [undefined, null, '0', 0n]) {
    t.throws(() => chown('/nonexistent', id as never, 0), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => chown('/nonexistent', 0, id as never), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})
