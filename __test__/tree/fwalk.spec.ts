// Tests what a walk yields. Numbers in titles are rows of the table in docs/python-parity.md.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { pathToFileURL } from 'node:url'

import test from 'ava'
import { fwalk, type FwalkEntry } from 'fdkit'

import { child } from '../helpers/child.js'
import { countFds, identity, isOpen, nextFd } from '../helpers/fds.js'
import { missing, notLinux, notRoot, unless } from '../helpers/platform.js'
import { FIFO, link, makeTree } from '../helpers/tree.js'
import { paths, walked } from '../helpers/walk.js'

test('yields path, directories, files and a descriptor', (t) => {
  const top = makeTree(t, { a: { file: '' }, file: '' })
  const before = countFds()
  const { steps } = walked(top)
  t.deepEqual(steps, [
    [top, ['a'], ['file']],
    [`${top}/a`, [], ['file']],
  ])
  t.is(countFds(), before)
})

test('1: nothing is opened before the first step', (t) => {
  const top = makeTree(t)
  const before = countFds()
  const walk = fwalk(top)
  const missing = fwalk(`${top}/missing`)
  t.is(countFds(), before)
  t.is(walk.next().value?.[0], top)
  t.throws(() => missing.next(), { code: 'ENOENT' })
})

test('1: a top that is created after fwalk is called is walked', (t) => {
  const top = makeTree(t)
  const walk = fwalk(`${top}/late`)
  fs.mkdirSync(`${top}/late`)
  t.is([...walk].length, 1)
})

test('4: a directory that was replaced by a link or a file is skipped and reported', (t) => {
  const top = makeTree(t, { swapped: {}, replaced: {}, other: { secret: '' } })
  const errors: string[] = []
  const onerror = (error: NodeJS.ErrnoException) => errors.push(`${error.code} ${error.path}`)
  const seen = []
  for (const [dirpath] of fwalk(top, { onerror })) {
    seen.push(dirpath)
    if (dirpath !== top) continue
    fs.rmdirSync(`${top}/swapped`)
    fs.symlinkSync('other', `${top}/swapped`)
    fs.rmdirSync(`${top}/replaced`)
    fs.writeFileSync(`${top}/replaced`, '')
  }
  t.deepEqual(seen, [top, `${top}/other`])
  t.regex(errors.toSorted().join(), /^ENOTDIR \S+\/replaced,(ENOTDIR|ELOOP) \S+\/swapped$/)
})

test('5: an error at the top is thrown, and not passed to onerror', (t) => {
  const top = makeTree(t, { file: '', loop: link('loop') })
  const onerror = () => t.fail()
  const first = (path: string, options = {}) => fwalk(path, { onerror, ...options }).next()
  const missing = `${top}/missing`
  const error = t.throws<NodeJS.ErrnoException>(() => first(missing), { code: 'ENOENT' })
  t.deepEqual(Object.entries(error), [
    ['errno', -2],
    ['code', 'ENOENT'],
    ['syscall', 'openat'],
    ['path', missing],
  ])
  t.is(error.message, `ENOENT: no such file or directory, openat '${missing}'`)
  t.throws(() => first(''), { code: 'ENOENT' })
  t.throws(() => first(`${top}/file/x`), { code: 'ENOTDIR' })
  t.throws(() => first(`${top}/file/`), { code: 'ENOTDIR' })
  t.throws(() => first(`${top}/loop/`), { code: 'ELOOP' })
  t.throws(() => first(`${top}/${'x'.repeat(256)}`), { code: 'ENAMETOOLONG' })
  t.throws(() => first('.', { dirFd: 2 ** 31 - 1 }), { code: 'EBADF' })
})

test('5: a walk is over after an error at the top', (t) => {
  const top = makeTree(t)
  const walk = fwalk(`${top}/late`)
  t.throws(() => walk.next(), { code: 'ENOENT' })
  fs.mkdirSync(`${top}/late`)
  t.deepEqual(walk.next(), { done: true, value: undefined })
})

test('6: a top that is a link or not a directory yields nothing and is passed to onerror', (t) => {
  const top = makeTree(t, { dir: {}, file: '', pipe: FIFO, link: link('dir'), dangling: link('x') })
  for (const name of ['file', 'pipe', 'link', 'dangling']) {
    const path = `${top}/${name}`
    const { steps, errors } = walked(path)
    t.deepEqual(steps, [])
    t.regex(errors.join(), new RegExp(`^(ENOTDIR|ELOOP) ${path}$`))
    t.deepEqual([...fwalk(path)], [])
  }
})

test('6: with followSymlinks a top that is a link is walked, and one that is not a directory is an error', (t) => {
  const top = makeTree(t, { dir: { f: '' }, file: '', pipe: FIFO, link: link('dir'), bad: link('x') })
  const first = (name: string) => fwalk(`${top}/${name}`, { followSymlinks: true }).next()
  t.deepEqual(walked(`${top}/link`, { followSymlinks: true }).steps, [[`${top}/link`, [], ['f']]])
  t.throws(() => first('file'), { code: 'ENOTDIR' })
  t.throws(() => first('pipe'), { code: 'ENOTDIR' })
  t.throws(() => first('bad'), { code: 'ENOENT' })
})

test('6: a link with a trailing slash is walked', (t) => {
  const top = makeTree(t, { dir: { a: {} }, link: link('dir') })
  t.deepEqual(paths(`${top}/link/`), [`${top}/link/`, `${top}/link/a`])
})

test('7: a subdirectory that cannot be opened is passed to onerror with its full path', (t) => {
  const top = makeTree(t, { a: { gone: {} } })
  const errors: NodeJS.ErrnoException[] = []
  for (const [dirpath, , , dirfd] of fwalk(top, { onerror: (error) => errors.push(error) })) {
    if (dirpath !== `${top}/a`) continue
    fs.rmdirSync(`${top}/a/gone`)
    t.deepEqual(fs.readdirSync(`/proc/self/fd/${dirfd}`), [])
  }
  t.deepEqual(
    errors.map((error) => Object.entries(error)),
    [
      [
        ['errno', -2],
        ['code', 'ENOENT'],
        ['syscall', 'openat'],
        ['path', `${top}/a/gone`],
      ],
    ],
  )
})

test('7: a subdirectory that cannot be opened is skipped without onerror', (t) => {
  const top = makeTree(t, { gone: {}, other: {} })
  const walk = fwalk(top)
  walk.next()
  fs.rmdirSync(`${top}/gone`)
  t.deepEqual(
    [...walk].map(([dirpath]) => dirpath),
    [`${top}/other`],
  )
})

unless(notRoot)('5, 7: directories that an unprivileged user may not read are errors', (t) => {
  const top = makeTree(t, { closed: { file: '' }, open: { closed: {} }, list: { a: {}, l: link('a') } })
  fs.chmodSync(top, 0o755)
  fs.chmodSync(`${top}/closed`, 0o700)
  fs.chmodSync(`${top}/open/closed`, 0)
  fs.chmodSync(`${top}/list`, 0o744) // only its names can be read
  for (const topdown of [true, false]) {
    const [yielded, errors, thrown] = child<string[][]>(
      `
      nobody()
      const [top, topdown] = args
      const errors = []
      const onerror = (error) => errors.push(error.code + ' ' + error.path)
      const steps = [...fwalk(top, { topdown, onerror })]
      const yielded = steps.map(([path, dirs, files]) => [path, ...dirs, ...files].join(' '))
      const thrown = []
      try { fwalk(top + '/closed', { onerror }).next() } catch (error) { thrown.push(error.code) }
      answer([yielded.sort(), errors.sort(), thrown])`,
      { args: [top, topdown] },
    )
    t.is(yielded?.length, 3)
    t.deepEqual(yielded?.slice(1), [`${top}/list a l`, `${top}/open closed`])
    t.deepEqual(errors, [`EACCES ${top}/closed`, `EACCES ${top}/list/a`, `EACCES ${top}/open/closed`])
    t.deepEqual(thrown, ['EACCES'])
  }
})

test('10: links are in dirnames or filenames according to their targets', (t) => {
  const top = makeTree(t, {
    d: {},
    f: '',
    p: FIFO,
    'to-d': link('d'),
    'to-f': link('f'),
    'to-p': link('p'),
    dangling: link('nothing'),
    self: link('self'),
    up: link('..'),
    through: link('f/x'),
  })
  const [step] = walked(top).steps
  t.deepEqual(step?.[1], ['d', 'to-d', 'up'])
  t.deepEqual(step?.[2], ['dangling', 'f', 'p', 'self', 'through', 'to-f', 'to-p'])
})

test('a link that is listed and not followed causes no error', (t) => {
  const top = makeTree(t, { d: {}, link: link('d') })
  for (const topdown of [true, false]) {
    const { steps, errors } = walked(top, { topdown })
    t.deepEqual(steps.length, 2)
    t.deepEqual(errors, [])
  }
})

test('11: names and visits have the order of readdir', (t) => {
  const names = Array.from({ length: 300 }, (_, index) => `${(index * 7919) % 1000}-${index}`)
  const top = makeTree(t, Object.fromEntries(names.map((name) => [name, {}])))
  const dir = fs.opendirSync(top)
  const listed: string[] = []
  for (let entry; (entry = dir.readSync());) listed.push(entry.name)
  dir.closeSync()
  const [first, ...visited] = [...fwalk(top)]
  t.deepEqual(first?.[1], listed)
  t.deepEqual(
    visited.map(([dirpath]) => dirpath.slice(top.length + 1)),
    listed,
  )
  const bottomUp = [...fwalk(top, { topdown: false })].map(([dirpath]) => dirpath)
  t.deepEqual(bottomUp, [...listed.map((name) => `${top}/${name}`), top])
})

test('11: an empty directory has no names', (t) => {
  const top = makeTree(t)
  t.deepEqual(walked(top).steps, [[top, [], []]])
})

test('15: the yielded descriptor refers to the directory, and is closed at the next step', (t) => {
  const top = makeTree(t, { a: { b: { c: {} } }, d: {} })
  const free = nextFd()
  for (const topdown of [true, false]) {
    const used = new Set<number>()
    for (const [dirpath, , , dirfd] of fwalk(top, { topdown })) {
      t.is(identity(dirfd), identity(dirpath))
      used.add(dirfd)
    }
    t.is(used.size, 4, 'a number is used again by a sibling')
    for (const fd of used) t.false(isOpen(fd))
  }
  t.is(nextFd(), free)
})

unless(missing('python3'))('17: paths longer than PATH_MAX are walked', (t) => {
  const name = 'n'.repeat(250)
  const top = makeTree(t)
  const program = `import os, sys
os.chdir(sys.argv[1])
for _ in range(30): os.mkdir(sys.argv[2]); os.chdir(sys.argv[2])`
  execFileSync('python3', ['-c', program, top, name])
  for (const topdown of [true, false]) {
    const lengths = [...fwalk(top, { topdown })].map(([dirpath]) => dirpath.length)
    t.is(lengths.length, 31)
    t.is(Math.max(...lengths), top.length + 30 * 251)
  }
  const deepest = [...fwalk(Buffer.from(top))].at(-1)
  t.is(deepest?.[0].toString(), top + `/${name}`.repeat(30))
})

test('18: a directory that is its own ancestor is passed to onerror and not entered', (t) => {
  const top = makeTree(t, { a: { b: { up: link('../..'), here: link('.') } }, side: link('a') })
  for (const topdown of [true, false]) {
    const { steps, errors } = walked(top, { followSymlinks: true, topdown })
    t.deepEqual(steps.map(([dirpath]) => dirpath.slice(top.length)).toSorted(), [
      '',
      '/a',
      '/a/b',
      '/side',
      '/side/b',
    ])
    t.deepEqual(errors.toSorted(), [
      `ELOOP ${top}/a/b/here`,
      `ELOOP ${top}/a/b/up`,
      `ELOOP ${top}/side/b/here`,
      `ELOOP ${top}/side/b/up`,
    ])
  }
})

test('18: two links to one directory are both followed', (t) => {
  const top = makeTree(t, { d: { f: '' }, l1: link('d'), l2: link('d') })
  t.deepEqual(walked(top, { followSymlinks: true }).errors, [])
  t.is(paths(top, { followSymlinks: true }).length, 4)
})

test('19: a relative top starts at dirFd', (t) => {
  const top = makeTree(t, { a: { b: {} } })
  const dirFd = fs.openSync(top, 'r')
  t.deepEqual(walked('a', { dirFd }).steps, [
    ['a', ['b'], []],
    ['a/b', [], []],
  ])
  t.deepEqual(paths('.', { dirFd }), ['.', './a', './a/b'])
  t.deepEqual(paths(top, { dirFd }), [top, `${top}/a`, `${top}/a/b`])
  t.true(isOpen(dirFd), "it stays the caller's")
  fs.closeSync(dirFd)
  t.throws(() => fwalk('a', { dirFd }).next(), { code: 'EBADF' })
  t.deepEqual(paths(top, { dirFd }).length, 3, 'an absolute top does not look at it')
})

test('19: a dirFd that is a file is an error', (t) => {
  const top = makeTree(t, { file: '', a: {} })
  const dirFd = fs.openSync(`${top}/file`, 'r')
  t.throws(() => fwalk('a', { dirFd }).next(), { code: 'ENOTDIR' })
  fs.closeSync(dirFd)
})

test('20: paths are joined as by os.path.join', (t) => {
  const top = makeTree(t, { a: { b: {} } })
  t.deepEqual(paths(`${top}/`), [`${top}/`, `${top}/a`, `${top}/a/b`])
  t.deepEqual(paths(`${top}//`), [`${top}//`, `${top}//a`, `${top}//a/b`])
  t.deepEqual(paths(`${top}/./a/..`).at(-1), `${top}/./a/../a/b`)
  const [, first] = fwalk('/')
  t.regex(first?.[0] ?? '', /^\/[^/]+$/)
})

test('20: walks the working directory by default', (t) => {
  const top = makeTree(t, { a: { b: {} } })
  const here = process.cwd()
  process.chdir(top)
  const seen = walked().steps.map(([dirpath]) => dirpath)
  process.chdir(here)
  t.deepEqual(seen, ['.', './a', './a/b'])
})

test('20: changing the working directory during the walk has no effect', (t) => {
  const top = makeTree(t, { a: { b: {} } })
  const here = process.cwd()
  process.chdir(top)
  const walk = fwalk('.')
  walk.next()
  process.chdir(here)
  t.deepEqual(
    [...walk].map(([dirpath]) => dirpath),
    ['./a', './a/b'],
  )
})

test('21: a file URL is accepted as the top', (t) => {
  const top = makeTree(t, { 'sp ace': { é: {} } })
  const url = pathToFileURL(`${top}/sp ace`)
  t.deepEqual(walked(url).steps[0], [`${top}/sp ace`, ['é'], []])
})

unless(notLinux)('23: descriptors are close-on-exec', (t) => {
  const [, , , dirfd] = fwalk(makeTree(t)).next().value as FwalkEntry
  const flags = fs.readFileSync(`/proc/self/fdinfo/${dirfd}`, 'utf8')
  t.truthy(Number.parseInt(/flags:\s+(\d+)/.exec(flags)?.[1] ?? '', 8) & 0o2000000)
})
