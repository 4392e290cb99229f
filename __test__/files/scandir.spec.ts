// Tests the entries of scandir, and the system calls that they make.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { pathToFileURL } from 'node:url'

import test, { type ExecutionContext } from 'ava'
import { scandir, type DirEntry } from 'fdkit'

import { countFds } from '../helpers/fds.js'
import { look, thrown } from '../helpers/errors.js'
import { opened, relativeForms } from '../helpers/open.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { noStrace, straced } from '../helpers/strace.js'
import { FIFO, link, makeTree, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux)

const everyType: Tree = {
  file: 'contents',
  dir: { inside: '' },
  fifo: FIFO,
  toFile: link('file'),
  toDir: link('dir'),
  toFifo: link('fifo'),
  dangling: link('nothing'),
  loop: link('loop'),
  '...': '',
}

const names = (entries: Iterable<DirEntry | DirEntry<Buffer>>) =>
  [...entries].map(({ name }) => String(name)).sort()

/** Returns everything that an entry reports, by name. */
function said(entries: Iterable<DirEntry>) {
  return Object.fromEntries(
    [...entries].map((entry) => [
      entry.name,
      [
        entry.isDirectory(),
        entry.isDirectory({ followSymlinks: false }),
        entry.isFile(),
        entry.isFile({ followSymlinks: false }),
        entry.isSymbolicLink(),
        entry.inode(),
      ],
    ]),
  )
}

test('lists every name except . and .., with every form of path', (t) => {
  const top = makeTree(t, everyType)
  const expected = Object.keys(everyType).sort()
  t.deepEqual(names(scandir(top)), expected)
  t.deepEqual(names(scandir(`${top}/`)), expected)
  t.deepEqual(names(scandir(pathToFileURL(top))), expected)
  t.deepEqual(names(scandir(opened(t, top))), expected)
  for (const path of [Buffer.from(top), new Uint8Array(Buffer.from(top))]) {
    const entries = [...scandir(path)]
    t.true(entries.every(({ name }) => Buffer.isBuffer(name)))
    t.deepEqual(names(entries), expected)
  }
  t.deepEqual(names(scandir()), fs.readdirSync('.').sort())
  t.deepEqual([...scandir(makeTree(t))], [])
})

const ways: [string, (t: ExecutionContext, top: string) => Iterable<DirEntry>][] = [
  ['a path', (_, top) => scandir(top)],
  ['a path with a slash', (_, top) => scandir(`${top}//`)],
  ['a descriptor', (t, top) => scandir(opened(t, top))],
  ['dirFd', (t, top) => scandir('.', { dirFd: opened(t, top) })],
  ['dirFd and a path below', (t, top) => scandir(`../${top.split('/').at(-1)}`, { dirFd: opened(t, top) })],
]

test('a link whose target cannot be examined is an error, as in Python', (t) => {
  const [entry] = scandir(makeTree(t, { loop: link('loop') }))
  t.true(entry!.isSymbolicLink())
  t.false(entry!.isDirectory({ followSymlinks: false }))
  t.is(t.throws<NodeJS.ErrnoException>(() => entry!.isDirectory())?.code, 'ELOOP')
  t.is(t.throws<NodeJS.ErrnoException>(() => entry!.isFile())?.code, 'ELOOP')
})

for (const [what, call] of ways) {
  onLinux(`types and inodes are those of node:fs for ${what}`, (t) => {
    const top = makeTree(t, everyType)
    // Its target cannot be examined; see below.
    fs.unlinkSync(`${top}/loop`)
    const expected = Object.fromEntries(
      fs.readdirSync(top).map((name) => {
        const itself = fs.lstatSync(`${top}/${name}`)
        const target = fs.statSync(`${top}/${name}`, { throwIfNoEntry: false })
        return [
          name,
          [
            target?.isDirectory() ?? false,
            itself.isDirectory(),
            target?.isFile() ?? false,
            itself.isFile(),
            itself.isSymbolicLink(),
            itself.ino,
          ],
        ]
      }),
    )
    t.deepEqual(said(call(t, top)), expected)
  })

  test(`stat() of an entry returns what node:fs returns for ${what}`, (t) => {
    const top = makeTree(t, { file: 'contents', toFile: link('file'), dangling: link('nothing') })
    const entries = Object.fromEntries([...call(t, top)].map((entry) => [entry.name, entry]))
    const { file, toFile, dangling } = entries as Record<string, DirEntry>
    t.is(file?.stat().size, 8)
    t.is(toFile?.stat().ino, file?.inode())
    t.is(toFile?.stat({ followSymlinks: false }).ino, toFile?.inode())
    t.true(toFile?.stat({ followSymlinks: false }).isSymbolicLink())
    t.is(file?.stat({ bigint: true }).ino, file?.inode({ bigint: true }))
    t.is(typeof file?.inode({ bigint: true }), 'bigint')
    t.throws(() => dangling?.stat(), { code: 'ENOENT' })
    t.true(dangling?.stat({ followSymlinks: false }).isSymbolicLink())
    fs.appendFileSync(`${top}/file`, 'more')
    t.is(file?.stat().size, 12)
  })
}

test('a relative path starts at dirFd, and an absolute path ignores it', (t) => {
  const top = makeTree(t, { a: { b: { c: 'c' } }, z: '' })
  const dirFd = opened(t, `${top}/a`)
  for (const form of relativeForms('b')) t.deepEqual(names(scandir(form as string, { dirFd })), ['c'])
  t.deepEqual(names(scandir('..', { dirFd })), ['a', 'z'])
  t.deepEqual(names(scandir(undefined, { dirFd })), ['b'])
  t.deepEqual(names(scandir(top, { dirFd: 999_999 })), ['a', 'z'])
  const [entry] = scandir('b', { dirFd })
  fs.renameSync(`${top}/a`, `${top}/moved`)
  t.is(entry?.stat().size, 1)
  t.throws(() => scandir('b', { dirFd: 999_999 }), { code: 'EBADF' })
  t.throws(() => scandir(dirFd, { dirFd }), { code: 'ERR_INVALID_ARG_VALUE' })
})

onLinux('entries find their files if the names are not UTF-8', (t) => {
  const top = makeTree(t, { '\udcff': '123' })
  for (const path of [top, Buffer.from(top)]) {
    const [entry] = scandir(path as string)
    t.deepEqual(entry?.name as unknown, path === top ? '\udcff' : Buffer.from([0xff]))
    t.is(entry?.stat().size, 3)
  }
  const [entry] = scandir(opened(t, top))
  t.is(entry?.stat().size, 3)
})

test('an entry that was removed keeps the type that the directory reported', (t) => {
  const top = makeTree(t, { file: '', dir: {}, toDir: link('dir') })
  const entries = Object.fromEntries([...scandir(top)].map((entry) => [entry.name, entry]))
  for (const name of fs.readdirSync(top)) fs.rmSync(`${top}/${name}`, { recursive: true })
  t.true(entries['file']?.isFile())
  t.true(entries['dir']?.isDirectory())
  t.true(entries['toDir']?.isSymbolicLink())
  // The target of the link can no longer be examined.
  t.false(entries['toDir']?.isDirectory())
  t.false(entries['toDir']?.isDirectory({ followSymlinks: false }))
  t.throws(() => entries['file']?.stat(), { code: 'ENOENT', message: new RegExp(`${top}/file`) })
})

test('scandir() reads the whole directory when it is called and leaves nothing open', (t) => {
  const top = makeTree(t, { a: '', b: '' })
  const before = notLinux ? 0 : countFds()
  const entries = scandir(top)
  if (!notLinux) t.is(countFds(), before)
  fs.rmSync(`${top}/a`)
  entries.next()
  t.deepEqual(entries.return?.().done, true)
  t.deepEqual([...entries], [])
  t.deepEqual(names(scandir(top)), ['b'])
})

onLinux('throws the same errors as node:fs', (t) => {
  const top = makeTree(t, { file: '', loop: link('loop') })
  for (const path of [`${top}/none`, `${top}/file`, `${top}/loop`]) {
    t.deepEqual(look(thrown(() => scandir(path))), look(thrown(() => fs.readdirSync(path))))
  }
  t.throws(() => scandir(opened(t, `${top}/file`)), { code: 'ENOTDIR' })
  t.throws(() => scandir(999_999), { code: 'EBADF' })
})

test('the methods of entries validate their options', (t) => {
  const [entry] = scandir(makeTree(t, { file: '' })) as Iterable<DirEntry>
  for (const method of ['isDirectory', 'isFile', 'stat'] as const) {
    for (const wrong of [null, 5, 'x', []]) {
      t.throws(
        () => entry?.[method](wrong as never),
        { code: 'ERR_INVALID_ARG_TYPE' },
        `${method} ${String(wrong)}`,
      )
    }
    t.throws(() => entry?.[method]({ followSymlinks: 'no' as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  t.throws(() => entry?.inode(null as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => entry?.inode({ bigint: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => entry?.stat({ bigint: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
})

/** Returns the system calls on files that `ask` makes for the entries of `top`. */
function cost(t: ExecutionContext, top: string, ask: string): string[] {
  const script = `
    const entries = [...fdkit.scandir(args[0])]
    try { fs.statSync('/fdkit-begin') } catch {}
    for (const entry of entries) { try { ${ask} } catch {} }
    try { fs.statSync('/fdkit-end') } catch {}
    answer(entries.length)
  `
  const { calls } = straced<number>(t, script, ['-e', 'trace=file,desc'], { args: [top] })
  const at = (mark: string) => calls.findIndex((line) => line.includes(mark))
  t.true(at('/fdkit-begin') > 0 && at('/fdkit-end') > at('/fdkit-begin'))
  const between = calls.slice(at('/fdkit-begin') + 1, at('/fdkit-end'))
  // Node's other threads keep running.
  return between.filter((line) => line.includes(top))
}

const many: Tree = { a: '', b: '', c: {}, d: {}, f: FIFO }

unless(noStrace)('names and types that the directory reported cost no system call', (t) => {
  const ask =
    'entry.isDirectory(); entry.isFile(); entry.isSymbolicLink(); entry.inode(); entry.inode({ bigint: true });'
  t.deepEqual(cost(t, makeTree(t, many), ask), [])
  const dontFollow = `
    entry.isDirectory({ followSymlinks: false }); entry.isFile({ followSymlinks: false })
    entry.isSymbolicLink(); entry.inode()
  `
  t.deepEqual(cost(t, makeTree(t, { x: link('y'), y: '' }), dontFollow), [])
})

unless(noStrace)("each query of a link's target costs one system call, and stat() costs one", (t) => {
  const links = { x: link('y'), y: '', z: link('nothing') }
  t.is(cost(t, makeTree(t, links), 'entry.isDirectory()').length, 2)
  t.is(cost(t, makeTree(t, links), 'entry.stat()').length, 3)
  t.is(cost(t, makeTree(t, many), 'entry.stat()').length, 5)
})

unless(notLinux || missing('python3'))('entries report what those of Python report', (t) => {
  const top = makeTree(t, everyType)
  fs.unlinkSync(`${top}/loop`)
  const python = `
import json, os, sys
print(json.dumps({e.name: [e.is_dir(), e.is_dir(follow_symlinks=False), e.is_file(), e.is_file(follow_symlinks=False),
  e.is_symlink(), e.inode()] for e in os.scandir(sys.argv[1])}))
`
  t.deepEqual(
    said(scandir(top)),
    JSON.parse(execFileSync('python3', ['-c', python, top], { encoding: 'utf8' })),
  )
})
