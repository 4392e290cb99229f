// Tests the functions that create directories, FIFOs and nodes: mkdir, mkfifo and mknod.
import * as fs from 'node:fs'

import test from 'ava'
import { mkdir, mkfifo, mknod } from 'fdkit'

import { child } from '../helpers/child.js'
import { look, thrown } from '../helpers/errors.js'
import { forms, opened, relativeForms } from '../helpers/open.js'
import { notLinux, notRoot, unless } from '../helpers/platform.js'
import { link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const asRoot = unless(notLinux || notRoot)
const { S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFMT } = fs.constants
const S_IFSOCK = 0o140000

const makers = {
  mkdir: { make: mkdir, type: S_IFDIR },
  mkfifo: { make: mkfifo, type: S_IFIFO },
  mknod: {
    make: (path: never, mode?: number, options?: object) => mknod(path, mode, 0, options),
    type: S_IFREG,
  },
}

for (const [name, { make, type }] of Object.entries(makers)) {
  onLinux(`${name} accepts every form of path, with and without dirFd`, (t) => {
    const top = makeTree(t, { dir: {} })
    const dirFd = opened(t, `${top}/dir`)
    for (const [index] of forms('').entries()) {
      const path = `${top}/a ${index}`
      t.is(make(forms(path)[index] as never), undefined)
      t.is(fs.lstatSync(path).mode & S_IFMT, type)
    }
    fs.renameSync(`${top}/dir`, `${top}/moved`)
    for (const [index] of relativeForms('').entries()) {
      make(relativeForms(`b${index}`)[index] as never, 0o700, { dirFd })
      t.is(fs.lstatSync(`${top}/moved/b${index}`).mode, type | 0o700)
    }
    make('../up' as never, 0o700, { dirFd })
    t.is(fs.lstatSync(`${top}/up`).mode & S_IFMT, type)
    make(`${top}/absolute` as never, 0o700, { dirFd })
    make(`${top}/ignored` as never, 0o700, { dirFd: 999_999 })
    t.deepEqual(
      fs
        .readdirSync(top)
        .filter((made) => made.length > 5)
        .sort(),
      ['absolute', 'ignored'],
    )
  })

  onLinux(`${name} accepts a name that is not UTF-8`, (t) => {
    const top = makeTree(t)
    make(`${top}/\udcff` as never)
    make(Buffer.concat([Buffer.from(`${top}/`), Buffer.from([0xfe])]) as never)
    t.deepEqual(fs.readdirSync(top, { encoding: 'buffer' }).map(String).length, 2)
    t.deepEqual(fs.readdirSync(top, 'latin1' as 'utf8').sort(), ['\xfe', '\xff'])
  })

  onLinux(`${name} fails if the name exists or its parent does not`, (t) => {
    const top = makeTree(t, { file: '', dir: {}, dangling: link('nothing') })
    const dirFd = opened(t, top)
    const fileFd = opened(t, `${top}/file`)
    const run = (path: string, fd = dirFd) => make(path as never, 0o700, { dirFd: fd })
    for (const taken of ['file', 'dir', 'dangling', '.', '..'])
      t.throws(() => run(taken), { code: 'EEXIST' }, taken)
    t.throws(() => run('none/x'), { code: 'ENOENT' })
    t.throws(() => run(''), { code: 'ENOENT' })
    t.throws(() => run('file/x'), { code: 'ENOTDIR' })
    t.throws(() => run('x'.repeat(256)), { code: 'ENAMETOOLONG' })
    t.throws(() => run('x', fileFd), { code: 'ENOTDIR' })
    t.throws(() => run('x', 999_999), { code: 'EBADF' })
    t.deepEqual(fs.readdirSync(top).sort(), ['dangling', 'dir', 'file'])
  })

  onLinux(`${name} applies the umask to the mode`, (t) => {
    const top = makeTree(t)
    const script = `
      const call = (path, ...mode) => fdkit.${name}(path, ...mode)
      answer([0, 0o027, 0o077, 0o777].map((umask) => {
        process.umask(umask)
        return [[], [0o777], [0o640]].map((mode, index) => {
          const path = args[0] + '/' + umask + '-' + index
          call(path, ...mode)
          return fs.lstatSync(path).mode & 0o7777
        })
      }))
    `
    const byDefault = { mkdir: 0o777, mkfifo: 0o666, mknod: 0o600 }[name] as number
    const expected = [0, 0o027, 0o077, 0o777].map((umask) =>
      [byDefault, 0o777, 0o640].map((mode) => mode & ~umask),
    )
    t.deepEqual(child(script, { args: [top] }), expected)
  })
}

onLinux('mkdir and mkfifo accept modes as octal strings', (t) => {
  const top = makeTree(t)
  mkdir(`${top}/dir`, '700')
  mkfifo(`${top}/fifo`, '0600')
  t.is(fs.statSync(`${top}/dir`).mode, S_IFDIR | 0o700)
  t.is(fs.statSync(`${top}/fifo`).mode, S_IFIFO | 0o600)
  for (const call of [mkdir, mkfifo]) {
    t.throws(() => call(`${top}/x`, '8'), { code: 'ERR_INVALID_ARG_VALUE' })
    t.throws(() => call(`${top}/x`, 2 ** 32), { code: 'ERR_OUT_OF_RANGE' })
  }
})

onLinux('mkdir accepts a trailing slash and keeps the sticky bit', (t) => {
  const top = makeTree(t)
  mkdir(`${top}/dir/`, 0o1700)
  t.is(fs.statSync(`${top}/dir`).mode & 0o7777, 0o1700)
})

onLinux('mkdir throws the same errors as node:fs', (t) => {
  const top = makeTree(t, { file: '' })
  for (const path of [`${top}/file`, `${top}/none/x`, `${top}/file/x`]) {
    t.deepEqual(look(thrown(() => mkdir(path))), look(thrown(() => fs.mkdirSync(path))))
  }
  t.is(thrown(() => mkdir(`${top}/file`)).message, `EEXIST: file already exists, mkdirat '${top}/file'`)
  t.is(thrown(() => mkfifo(`${top}/file`)).syscall, 'mkfifoat')
  t.is(thrown(() => mknod(`${top}/file`)).syscall, 'mknodat')
})

onLinux('mknod creates every unprivileged type, and a regular file if the mode has no type', (t) => {
  const top = makeTree(t)
  for (const [index, mode] of [S_IFREG | 0o640, S_IFIFO | 0o600, S_IFSOCK | 0o600].entries()) {
    mknod(`${top}/${index}`, mode)
    t.is(fs.lstatSync(`${top}/${index}`).mode, mode)
  }
  mknod(`${top}/plain`, 0o600)
  t.is(fs.lstatSync(`${top}/plain`).mode, S_IFREG | 0o600)
  mknod(`${top}/default`)
  t.is(fs.lstatSync(`${top}/default`).mode, S_IFREG | 0o600)
  t.is(fs.lstatSync(`${top}/plain`).size, 0)
})

onLinux('mknod refuses other types', (t) => {
  const top = makeTree(t)
  t.throws(() => mknod(`${top}/dir`, S_IFDIR | 0o700), { code: 'EPERM' })
  t.throws(() => mknod(`${top}/link`, S_IFLNK | 0o700), { code: 'EINVAL' })
  t.throws(() => mknod(`${top}/none`, 0o170000 | 0o700), { code: 'EINVAL' })
  t.deepEqual(fs.readdirSync(top), [])
})

asRoot('mknod creates a device with the given number', (t) => {
  const top = makeTree(t)
  const dirFd = opened(t, top)
  // makedev(3) of 1:3, and of the largest major and minor numbers.
  for (const [index, device] of [0x103, 0xffffffff].entries()) {
    mknod(`${index}`, S_IFCHR | 0o600, device, { dirFd })
    t.is(fs.statSync(`${top}/${index}`).rdev, device)
  }
  t.true(fs.statSync(`${top}/0`).isCharacterDevice())
  fs.writeFileSync(`${top}/0`, 'to /dev/null')
})

asRoot('mknod of a device is EPERM for an unprivileged user', (t) => {
  const top = makeTree(t, { open: {} })
  fs.chmodSync(top, 0o755)
  fs.chmodSync(`${top}/open`, 0o777)
  const script = `
    nobody()
    try { fdkit.mknod(args[0] + '/null', fs.constants.S_IFCHR | 0o600, 0x103) } catch (error) { answer([error.code, error.path]) }
  `
  t.deepEqual(child(script, { args: [`${top}/open`] }), ['EPERM', `${top}/open/null`])
})

test('mknod rejects invalid device numbers', (t) => {
  for (const device of [-1, 1.5, 2 ** 53, Number.NaN]) {
    t.throws(() => mknod('/nonexistent/x', 0o600, device), { code: 'ERR_OUT_OF_RANGE' })
  }
  t.throws(() => mknod('/nonexistent/x', 0o600, 3n as never), { code: 'ERR_INVALID_ARG_TYPE' })
})
