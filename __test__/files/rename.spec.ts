// Tests rename, its flags, and replace.
import * as fs from 'node:fs'

import test from 'ava'
import { rename, RENAME_EXCHANGE, RENAME_NOREPLACE, replace } from 'fdkit'

import { look, thrown } from '../helpers/errors.js'
import { forms, opened, relativeForms } from '../helpers/open.js'
import { notLinux, unless } from '../helpers/platform.js'
import { noStrace, straced } from '../helpers/strace.js'
import { link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)

for (const [name, call] of Object.entries({ rename, replace })) {
  test(`${name} accepts every form of path`, (t) => {
    const top = makeTree(t)
    for (const [index] of forms('').entries()) {
      const [from, to] = [`${top}/from ${index}`, `${top}/to ${index}`]
      fs.writeFileSync(from, `${index}`)
      t.is(call(forms(from)[index] as string, forms(to)[index] as string), undefined)
      t.is(fs.readFileSync(to, 'utf8'), `${index}`)
      t.false(fs.existsSync(from))
    }
  })

  test(`${name}: srcDirFd and dstDirFd each apply to their own path`, (t) => {
    const top = makeTree(t, { from: { a: 'a', b: 'b' }, to: { a: 'old' } })
    const [srcDirFd, dstDirFd] = [opened(t, `${top}/from`), opened(t, `${top}/to`)]
    fs.renameSync(`${top}/from`, `${top}/moved`)
    call('a', 'a', { srcDirFd, dstDirFd })
    t.is(fs.readFileSync(`${top}/to/a`, 'utf8'), 'a')
    call('b', `${top}/absolute`, { srcDirFd })
    t.is(fs.readFileSync(`${top}/absolute`, 'utf8'), 'b')
    call(`${top}/absolute`, '../up', { srcDirFd: 999_999, dstDirFd })
    t.is(fs.readFileSync(`${top}/up`, 'utf8'), 'b')
    for (const [index, form] of relativeForms('a').entries()) {
      call(form as string, relativeForms(`c${index}`)[index] as string, { srcDirFd: dstDirFd, dstDirFd })
      call(`c${index}`, 'a', { srcDirFd: dstDirFd, dstDirFd })
    }
    // The kernel checks for EXDEV first: the working directory may be on another mount.
    const { code = '' } = thrown(() => call('a', `${top}/x`, { dstDirFd }))
    t.regex(code, /^(ENOENT|EXDEV)$/)
    t.throws(() => call('a', 'x', { srcDirFd: 999_999, dstDirFd }), { code: 'EBADF' })
    t.throws(() => call('a', 'x', { srcDirFd: dstDirFd, dstDirFd: 999_999 }), { code: 'EBADF' })
    const fileFd = opened(t, `${top}/up`)
    t.throws(() => call('a', 'x', { srcDirFd: dstDirFd, dstDirFd: fileFd }), { code: 'ENOTDIR' })
    t.deepEqual(fs.readdirSync(`${top}/to`), ['a'])
  })

  test(`${name} replaces a file, an empty directory, and a link but not its target`, (t) => {
    const top = makeTree(t, {
      new: 'new',
      old: 'old',
      target: 'target',
      alias: link('target'),
      new2: 'new2',
      dir: { kept: '' },
      empty: {},
    })
    call(`${top}/new`, `${top}/old`)
    call(`${top}/new2`, `${top}/alias`)
    call(`${top}/dir`, `${top}/empty`)
    t.deepEqual(fs.readdirSync(top).sort(), ['alias', 'empty', 'old', 'target'])
    t.is(fs.readFileSync(`${top}/old`, 'utf8'), 'new')
    t.true(fs.lstatSync(`${top}/alias`).isFile())
    t.is(fs.readFileSync(`${top}/target`, 'utf8'), 'target')
    t.deepEqual(fs.readdirSync(`${top}/empty`), ['kept'])
  })

  onLinux(`${name} throws the same errors as node:fs`, (t) => {
    const top = makeTree(t, { file: '', dir: { sub: {} }, full: { x: '' } })
    for (const [src, dst, code] of [
      ['none', 'x', 'ENOENT'],
      ['file', 'none/x', 'ENOENT'],
      ['file', 'dir', 'EISDIR'],
      ['dir', 'file', 'ENOTDIR'],
      ['dir', 'full', 'ENOTEMPTY'],
      ['dir', 'dir/sub/x', 'EINVAL'],
      ['file/x', 'y', 'ENOTDIR'],
      ['.', 'y', 'EBUSY'],
    ]) {
      const [from, to] = [`${top}/${src}`, `${top}/${dst}`]
      const error = thrown(() => call(from, to))
      t.is(error.code, code)
      t.deepEqual(look(error), look(thrown(() => fs.renameSync(from, to))))
      t.like(error, { path: from, dest: to, syscall: 'renameat' })
      t.true(error.message.endsWith(`, renameat '${from}' -> '${to}'`))
    }
  })
}

test('rename does nothing if both names are links to one file, as POSIX requires', (t) => {
  const top = makeTree(t, { a: '' })
  fs.linkSync(`${top}/a`, `${top}/b`)
  rename(`${top}/a`, `${top}/b`)
  t.deepEqual(fs.readdirSync(top).sort(), ['a', 'b'])
})

test('RENAME_NOREPLACE replaces nothing, not even a dangling link', (t) => {
  const top = makeTree(t, { new: 'new', old: 'old', dangling: link('nothing'), empty: {}, dir: {} })
  const dirFd = opened(t, top)
  const ends = { srcDirFd: dirFd, dstDirFd: dirFd, flags: RENAME_NOREPLACE }
  for (const taken of ['old', 'dangling', 'new', 'empty']) {
    t.throws(() => rename('new', taken, ends), { code: 'EEXIST' }, taken)
    t.throws(() => rename(`${top}/new`, `${top}/${taken}`, { flags: RENAME_NOREPLACE }), { code: 'EEXIST' })
  }
  t.throws(() => rename('dir', 'empty', ends), { code: 'EEXIST' })
  t.is(fs.readFileSync(`${top}/old`, 'utf8'), 'old')
  rename('new', 'free', ends)
  t.is(fs.readFileSync(`${top}/free`, 'utf8'), 'new')
  t.throws(() => rename('none', 'x', ends), { code: 'ENOENT' })
})

test('RENAME_EXCHANGE swaps two entries of any types', (t) => {
  const top = makeTree(t, { file: 'file', dir: { inside: '' }, alias: link('nothing') })
  const dirFd = opened(t, top)
  rename('file', 'dir', { srcDirFd: dirFd, dstDirFd: dirFd, flags: RENAME_EXCHANGE })
  t.is(fs.readFileSync(`${top}/dir`, 'utf8'), 'file')
  t.deepEqual(fs.readdirSync(`${top}/file`), ['inside'])
  rename(`${top}/dir`, `${top}/alias`, { flags: RENAME_EXCHANGE })
  t.is(fs.readlinkSync(`${top}/dir`), 'nothing')
  t.is(fs.readFileSync(`${top}/alias`, 'utf8'), 'file')
  t.throws(() => rename(`${top}/alias`, `${top}/none`, { flags: RENAME_EXCHANGE }), { code: 'ENOENT' })
  t.true(fs.existsSync(`${top}/alias`))
})

onLinux('rename with unknown flags is EINVAL and renames nothing', (t) => {
  const top = makeTree(t, { a: '', b: '' })
  for (const flags of [RENAME_NOREPLACE | RENAME_EXCHANGE, 0x80, 2 ** 31, -1, 2 ** 32 - 1]) {
    const error = thrown(() => rename(`${top}/a`, `${top}/b`, { flags }))
    t.like(error, { code: 'EINVAL', syscall: 'renameat2', path: `${top}/a`, dest: `${top}/b` })
  }
  t.deepEqual(fs.readdirSync(top).sort(), ['a', 'b'])
  for (const flags of [2 ** 32, -(2 ** 31) - 1, 0.5]) {
    t.throws(() => rename(`${top}/a`, `${top}/b`, { flags }), { code: 'ERR_OUT_OF_RANGE' })
  }
})

test('replace has no option flags', (t) => {
  const top = makeTree(t, { a: 'a', b: 'b' })
  t.throws(() => replace(`${top}/a`, `${top}/b`, { flags: RENAME_EXCHANGE } as object), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /'options.flags' is not an option of replace/,
  })
  t.deepEqual(fs.readdirSync(top).sort(), ['a', 'b'])
})

unless(noStrace)(
  'rename with flags never falls back to a call without flags if the kernel lacks renameat2',
  (t) => {
    const top = makeTree(t, { a: 'a', b: 'b' })
    const script = `
    const attempt = (flags) => {
      try { fdkit.rename(args[0] + '/a', args[0] + '/b', { flags }) } catch (error) { return error.code }
    }
    answer([1, 2].map(attempt))
  `
    const inject = ['-e', 'trace=rename,renameat,renameat2', '-e', 'inject=renameat2:error=ENOSYS']
    const { answer, calls } = straced(t, script, inject, { args: [top] })
    t.deepEqual(answer, ['ENOSYS', 'ENOSYS'])
    t.is(calls.filter((line) => line.includes(top)).length, 2)
    t.deepEqual(fs.readdirSync(top).sort(), ['a', 'b'])
  },
)
