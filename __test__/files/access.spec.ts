// Tests `access`, which throws like that of node:fs, and `canAccess` and `exists`, which return a boolean.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'

import test from 'ava'
import { access, canAccess, exists, F_OK, R_OK, W_OK, X_OK } from 'fdkit'
import * as promises from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { look, thrown } from '../helpers/errors.js'
import { forms, opened, relativeForms } from '../helpers/open.js'
import { missing, notLinux, notRoot, unless } from '../helpers/platform.js'
import { noStrace, straced } from '../helpers/strace.js'
import { link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const asRoot = unless(notLinux || notRoot)

test('by default they test for existence, with every form of path', (t) => {
  const top = makeTree(t, { 'a b': '' })
  for (const form of forms(`${top}/a b`)) t.true(canAccess(form as string))
  for (const form of forms(`${top}/none`)) t.false(canAccess(form as string))
  t.true(canAccess(top, F_OK))
  t.true(canAccess(top, R_OK | X_OK))
})

test('dirFd follows a directory that was renamed', (t) => {
  const top = makeTree(t, { dir: { file: '' }, file: '' })
  const dirFd = opened(t, `${top}/dir`)
  fs.renameSync(`${top}/dir`, `${top}/moved`)
  for (const form of relativeForms('file')) t.true(canAccess(form as string, R_OK, { dirFd }))
  t.false(canAccess('none', F_OK, { dirFd }))
  t.true(canAccess('../file', F_OK, { dirFd }))
  t.true(canAccess(top, F_OK, { dirFd: 999_999 }))
})

test('canAccess returns false if the system call fails', (t) => {
  const top = makeTree(t, { file: '', loop: link('loop'), dangling: link('nothing') })
  const fileFd = opened(t, `${top}/file`)
  for (const name of [
    'none',
    'none/x',
    'file/x',
    'file/',
    'loop',
    'dangling',
    'x'.repeat(256),
    'x/'.repeat(4000),
  ]) {
    t.false(canAccess(`${top}/${name}`), name)
  }
  t.false(canAccess(''))
  t.false(canAccess('file', F_OK, { dirFd: 999_999 }))
  t.false(canAccess('file', F_OK, { dirFd: fileFd }))
})

test('canAccess throws if an argument is invalid', (t) => {
  t.throws(() => canAccess(5 as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => canAccess('a\0b'), { code: 'ERR_INVALID_ARG_VALUE' })
  for (const mode of [8, -1, 1.5]) t.throws(() => canAccess('.', mode), { code: 'ERR_OUT_OF_RANGE' })
  for (const name of ['effectiveIds', 'followSymlinks', 'dirFd']) {
    t.throws(() => canAccess('.', 0, { [name]: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

onLinux('with followSymlinks: false a dangling link exists', (t) => {
  const top = makeTree(t, { dangling: link('nothing'), loop: link('loop'), file: '', alias: link('file') })
  const dirFd = opened(t, top)
  for (const name of ['dangling', 'loop', 'alias', 'file']) {
    t.true(canAccess(`${top}/${name}`, F_OK, { followSymlinks: false }), name)
    t.true(canAccess(name, F_OK, { followSymlinks: false, dirFd }), name)
    t.true(canAccess(name, F_OK, { followSymlinks: false, effectiveIds: true, dirFd }), name)
    t.is(canAccess(name, F_OK, { dirFd }), name === 'alias' || name === 'file', name)
  }
  t.false(canAccess('none', F_OK, { followSymlinks: false, dirFd }))
})

const modes = [F_OK, R_OK, W_OK, X_OK, R_OK | W_OK, R_OK | X_OK, W_OK | X_OK, R_OK | W_OK | X_OK]

asRoot('an unprivileged user gets the results of node:fs and Python for every mode and permission', (t) => {
  const top = makeTree(t)
  fs.chmodSync(top, 0o755)
  const permissions = [0, 1, 2, 3, 4, 5, 6, 7]
  for (const bits of permissions) {
    fs.writeFileSync(`${top}/${bits}`, '')
    fs.chmodSync(`${top}/${bits}`, bits)
  }
  const script = `
    nobody()
    const byNode = (path, mode) => { try { fs.accessSync(path, mode); return true } catch { return false } }
    const ask = (call) => [0, 1, 2, 3, 4, 5, 6, 7].map((bits) =>
      ${JSON.stringify(modes)}.map((mode) => call(args[0] + '/' + bits, mode)))
    answer([ask(fdkit.canAccess), ask((...of) => fdkit.canAccess(...of, { effectiveIds: true })), ask(byNode)])
  `
  const [real, effective, nodes] = child<boolean[][][]>(script, { args: [top] })
  const expected = permissions.map((bits) => modes.map((mode) => (bits & mode) === mode))
  t.deepEqual(real, expected)
  t.deepEqual(effective, expected)
  t.deepEqual(nodes, expected)
})

asRoot('effectiveIds checks the effective user instead of the real one', (t) => {
  const top = makeTree(t, { secret: '' })
  fs.chmodSync(top, 0o755)
  fs.chmodSync(`${top}/secret`, 0o600)
  const script = `
    const ask = () => [undefined, false, true].map((effectiveIds) =>
      fdkit.canAccess(args[0] + '/secret', fdkit.R_OK, { effectiveIds }))
    const asRoot = ask()
    process.seteuid(65534)
    answer([asRoot, ask()])
  `
  t.deepEqual(child(script, { args: [top] }), [
    [true, true, true],
    [true, true, false],
  ])
})

unless(notLinux || notRoot || missing('python3'))(
  'effectiveIds and followSymlinks give the results of Python',
  (t) => {
    const top = makeTree(t, { secret: '', alias: link('secret'), dangling: link('nothing'), dir: {} })
    fs.chmodSync(top, 0o755)
    fs.chmodSync(`${top}/secret`, 0o600)
    const names = ['secret', 'alias', 'dangling', 'dir', 'none']
    const python = `
import json, os, sys
os.chdir(sys.argv[1])
os.seteuid(65534)
print(json.dumps([os.access(name, mode, effective_ids=effective, follow_symlinks=follow)
  for name in ${JSON.stringify(names)} for mode in range(8) for effective in (False, True) for follow in (False, True)]))
`
    const script = `
    process.chdir(args[0])
    process.seteuid(65534)
    const found = []
    for (const name of ${JSON.stringify(names)}) for (let mode = 0; mode < 8; mode++) {
      for (const effectiveIds of [false, true]) for (const followSymlinks of [false, true]) {
        found.push(fdkit.canAccess(name, mode, { effectiveIds, followSymlinks }))
      }
    }
    answer(found)
  `
    const expected = JSON.parse(execFileSync('python3', ['-c', python, top], { encoding: 'utf8' }))
    const found = child<boolean[]>(script, { args: [top] })
    t.deepEqual(found, expected)
    t.true(found.includes(true) && found.includes(false))
  },
)

unless(noStrace)('without faccessat2 the flags are emulated with older system calls', (t) => {
  const top = makeTree(t, { file: '', dangling: link('nothing') })
  fs.chmodSync(`${top}/file`, 0o600)
  const script = `
    const { canAccess, F_OK, R_OK, X_OK } = fdkit
    process.chdir(args[0])
    answer([
      canAccess('file'), canAccess('file', R_OK), canAccess('file', X_OK), canAccess('none'), canAccess('dangling'),
      canAccess('dangling', F_OK, { followSymlinks: false }), canAccess('file', R_OK, { effectiveIds: true }),
    ])
  `
  const inject = ['-e', 'trace=faccessat2', '-e', 'inject=faccessat2:error=ENOSYS']
  const { answer, calls } = straced(t, script, inject, { args: [top] })
  t.deepEqual(answer, [true, true, false, false, false, true, true])
  t.true(calls.filter((line) => line.includes('ENOSYS')).length >= 7)
})

test('access throws the same errors as node:fs', (t) => {
  const top = makeTree(t, { file: '', loop: link('loop'), dangling: link('nothing') })
  for (const name of ['none', 'none/x', 'file/x', 'file/', 'loop', 'dangling', 'x'.repeat(256), '']) {
    const path = name === '' ? '' : `${top}/${name}`
    const expected = look(thrown(() => fs.accessSync(path)))
    t.deepEqual(look(thrown(() => access(path))), expected, name)
  }
  t.is(access(`${top}/file`), undefined)
  t.is(access(`${top}/file`, R_OK | W_OK), undefined)
  t.throws(() => access('x', F_OK, { dirFd: 999_999 }), { code: 'EBADF' })
  t.throws(() => access('x', F_OK, { dirFd: opened(t, `${top}/file`) }), { code: 'ENOTDIR' })
})

test('access of fdkit/promises can replace that of node:fs/promises: a missing file rejects', async (t) => {
  const top = makeTree(t, { file: '' })
  await t.throwsAsync(promises.access(`${top}/none`), { code: 'ENOENT' })
  t.is(await promises.access(`${top}/file`), undefined)
  t.false(await promises.canAccess(`${top}/none`))
  t.true(await promises.canAccess(`${top}/file`, R_OK))
  t.false(await promises.exists(`${top}/none`))
  t.true(await promises.exists(`${top}/file`))
})

asRoot('access throws EACCES if canAccess returns false', (t) => {
  const top = makeTree(t, { secret: '' })
  fs.chmodSync(top, 0o755)
  fs.chmodSync(`${top}/secret`, 0o600)
  const script = `
    nobody()
    const code = (call) => { try { call(); return 'none' } catch (error) { return error.code } }
    answer([
      code(() => fdkit.access(args[0] + '/secret')),
      code(() => fdkit.access(args[0] + '/secret', fdkit.R_OK)),
      fdkit.canAccess(args[0] + '/secret', fdkit.R_OK),
    ])
  `
  t.deepEqual(child(script, { args: [top] }), ['none', 'EACCES', false])
})

test('exists follows symbolic links by default', (t) => {
  const top = makeTree(t, { dir: { file: '' }, dangling: link('nothing'), alias: link('dir') })
  const dirFd = opened(t, top)
  for (const name of ['dir', 'dir/file', 'alias', 'alias/file', '.']) {
    t.true(exists(name, { dirFd }), name)
    t.true(exists(`${top}/${name}`), name)
  }
  for (const name of ['none', 'dir/none', 'dir/file/none', 'dangling', ''])
    t.false(exists(name, { dirFd }), name)
  t.true(exists('dangling', { dirFd, followSymlinks: false }))
  t.false(exists('none', { dirFd, followSymlinks: false }))
  t.false(exists('dir', { dirFd: 999_999 }))
  t.throws(() => exists('a\0b'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => exists(undefined as never), { code: 'ERR_INVALID_ARG_TYPE' })
})
