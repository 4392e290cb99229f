// Tests that errors of calls relative to a descriptor name the function and the directory.
import * as fs from 'node:fs'

import test from 'ava'
import * as fdkit from 'fdkit'
import type { SystemError } from 'fdkit'
import * as promises from 'fdkit/promises'

import { thrown } from '../helpers/errors.js'
import { opened } from '../helpers/open.js'
import { notLinux, unless } from '../helpers/platform.js'
import { link, makeTree } from '../helpers/tree.js'

type Located = NodeJS.ErrnoException & Pick<SystemError, 'dest' | 'dir' | 'destDir'>
type Case = [name: string, code: string, call: (api: typeof fdkit, dirFd: number) => unknown]

const onLinux = unless(notLinux)
const tree = { dir: { file: '', sub: {}, alias: link('sub') }, other: {} }

const cases: Case[] = [
  ['access', 'ENOENT', (api, dirFd) => api.access('none', 0, { dirFd })],
  ['chmod', 'ENOENT', (api, dirFd) => api.chmod('none', 0o600, { dirFd })],
  ['chown', 'ENOENT', (api, dirFd) => api.chown('none', -1, -1, { dirFd })],
  ['listdir', 'ENOTDIR', (api, dirFd) => api.listdir('file', { dirFd })],
  ['lstat', 'ENOENT', (api, dirFd) => api.lstat('none', { dirFd })],
  ['mkdir', 'EEXIST', (api, dirFd) => api.mkdir('sub', 0o777, { dirFd })],
  ['mkfifo', 'EEXIST', (api, dirFd) => api.mkfifo('sub', 0o666, { dirFd })],
  ['mknod', 'EEXIST', (api, dirFd) => api.mknod('sub', 0o600, 0, { dirFd })],
  ['open', 'ENOENT', (api, dirFd) => api.open('none', 'r', { dirFd })],
  ['readlink', 'EINVAL', (api, dirFd) => api.readlink('file', { dirFd })],
  ['rmdir', 'ENOTDIR', (api, dirFd) => api.rmdir('alias', { dirFd })],
  ['rmtree', 'ENOTDIR', (api, dirFd) => api.rmtree('alias', { dirFd })],
  ['rmtree', 'ENOENT', (api, dirFd) => api.rmtree('none', { dirFd })],
  ['scandir', 'ENOTDIR', (api, dirFd) => api.scandir('file', { dirFd })],
  ['stat', 'ENOENT', (api, dirFd) => api.stat('none', { dirFd })],
  ['unlink', 'EISDIR', (api, dirFd) => api.unlink('sub', { dirFd })],
  ['utime', 'ENOENT', (api, dirFd) => api.utime('none', { dirFd })],
]

for (const [name, code, call] of cases) {
  onLinux(`${name}: ${code} names the directory, even if it was renamed, and by promise too`, async (t) => {
    const top = makeTree(t, tree)
    const dirFd = opened(t, `${top}/dir`)
    fs.renameSync(`${top}/dir`, `${top}/moved`)
    const error: Located = thrown(() => call(fdkit, dirFd))
    t.is(error.code, code)
    t.is(error.dir, `${top}/moved`)
    t.regex(
      error.message,
      new RegExp(`^${code}: .*, ${error.syscall} '${error.path}' in '${top}/moved' \\(${name}\\)$`),
    )
    t.deepEqual(Object.keys(error), ['errno', 'code', 'syscall', 'path', 'dir'])
    const later = (await t.throwsAsync(async () => call(promises as never, dirFd))) as Located
    t.is(later.message, error.message)
    t.is(later.dir, error.dir)
  })

  onLinux(
    `${name}, ${code}: an error of a descriptor that is not open, or is a file, names the function`,
    (t) => {
      const top = makeTree(t, tree)
      const closed: Located = thrown(() => call(fdkit, 999_999))
      t.is(closed.code, 'EBADF')
      t.true(closed.message.endsWith(` (${name})`), closed.message)
      t.false('dir' in closed)
      const file: Located = thrown(() => call(fdkit, opened(t, `${top}/dir/file`)))
      t.is(file.code, 'ENOTDIR')
      t.is(file.dir, `${top}/dir/file`)
    },
  )
}

onLinux('the example of the guide, a walk that deletes and meets a link, names the directory', (t) => {
  const top = makeTree(t, tree)
  const error: Located = thrown(() => {
    for (const [, dirs, , dirFd] of fdkit.fwalk(`${top}/dir`))
      for (const name of dirs) fdkit.unlink(name, { dirFd })
  })
  t.is(error.message, `EISDIR: illegal operation on a directory, unlinkat 'sub' in '${top}/dir' (unlink)`)
})

onLinux('each of two paths names the directory where it starts', async (t) => {
  const top = makeTree(t, tree)
  const [srcDirFd, dstDirFd] = [opened(t, `${top}/dir`), opened(t, `${top}/other`)]
  for (const name of ['rename', 'replace', 'link'] as const) {
    const both: Located = thrown(() => fdkit[name]('none', 'x', { srcDirFd, dstDirFd }))
    t.regex(both.message, new RegExp(`'none' in '${top}/dir' -> 'x' in '${top}/other' \\(${name}\\)$`))
    t.deepEqual([both.dir, both.destDir], [`${top}/dir`, `${top}/other`])
    const src: Located = thrown(() => fdkit[name]('none', `${top}/x`, { srcDirFd, dstDirFd }))
    t.regex(src.message, new RegExp(`'none' in '${top}/dir' -> '${top}/x' \\(${name}\\)$`))
    t.deepEqual([src.dir, src.destDir], [`${top}/dir`, undefined])
    const dst: Located = thrown(() => fdkit[name](`${top}/none`, 'x', { srcDirFd, dstDirFd }))
    t.regex(dst.message, new RegExp(`'${top}/none' -> 'x' in '${top}/other' \\(${name}\\)$`))
    t.deepEqual([dst.dir, dst.destDir], [undefined, `${top}/other`])
    const one: Located = thrown(() => fdkit[name](`${top}/none`, 'x', { dstDirFd }))
    t.is(one.message, dst.message)
    const later = (await t.throwsAsync(promises[name]('none', 'x', { srcDirFd, dstDirFd }))) as Located
    t.is(later.message, both.message)
  }
})

onLinux('symlink names the directory of the link', (t) => {
  const top = makeTree(t, tree)
  const error: Located = thrown(() => fdkit.symlink('anything', 'file', { dirFd: opened(t, `${top}/dir`) }))
  t.regex(error.message, new RegExp(`symlinkat 'anything' -> 'file' in '${top}/dir' \\(symlink\\)$`))
  t.deepEqual(
    [error.path, error.dest, error.dir, error.destDir],
    ['anything', 'file', undefined, `${top}/dir`],
  )
})

onLinux('walks and deletions name the directory in the errors that they throw and report', async (t) => {
  const top = makeTree(t, { dir: { alias: link('sub'), sub: { deep: {} } } })
  const dirFd = opened(t, `${top}/dir`)
  const errors: Located[] = [thrown(() => fdkit.fwalk('none', { dirFd }).next())]
  errors.push((await t.throwsAsync(promises.fwalk('none', { dirFd }).next())) as Located)
  for (const error of errors) {
    t.regex(error.message, new RegExp(`^ENOENT: .* 'none' in '${top}/dir' \\(fwalk\\)$`))
    t.is(error.dir, `${top}/dir`)
  }
  const reported: Located[] = []
  const onerror = (error: Located) => reported.push(error)
  for (const [, dirs] of fdkit.fwalk('sub', { dirFd, onerror })) dirs.push('gone')
  for await (const [, dirs] of promises.fwalk('sub', { dirFd, onerror })) dirs.push('gone')
  t.true(reported.length >= 4)
  for (const error of reported) {
    t.regex(error.message, new RegExp(`'sub/.*gone' in '${top}/dir' \\(fwalk\\)$`))
  }
})

onLinux('an error has the message of node:fs if the path does not start from the descriptor', (t) => {
  const top = makeTree(t, tree)
  const dirFd = opened(t, `${top}/dir`)
  for (const call of [
    () => fdkit.stat(`${top}/none`, { dirFd }),
    () => fdkit.stat(`${top}/none`),
    () => fdkit.open('/none', 'r', { dirFd }),
  ]) {
    const error: Located = thrown(call)
    t.false(/ in '|\(/.test(error.message), error.message)
    t.deepEqual(Object.keys(error), ['errno', 'code', 'syscall', 'path'])
  }
  // Without a path the call acts on the descriptor itself.
  t.deepEqual(Object.keys(thrown(() => fdkit.listdir(opened(t, `${top}/dir/file`)))), [
    'errno',
    'code',
    'syscall',
  ])
})

onLinux('errors name a removed directory and one whose name is not UTF-8', (t) => {
  const top = makeTree(t, { dir: {} })
  const odd = Buffer.concat([Buffer.from(`${top}/`), Buffer.from([0x61, 0xff])])
  fs.mkdirSync(odd)
  const oddFd = fs.openSync(odd, 'r')
  const error: Located = thrown(() => fdkit.stat('none', { dirFd: oddFd }))
  t.is(error.dir, `${top}/a\udcff`)
  t.true(fdkit.exists(error.dir!))
  t.is((thrown(() => fdkit.stat(Buffer.from('none'), { dirFd: oddFd })) as Located).dir, error.dir)
  fs.closeSync(oddFd)
  const dirFd = opened(t, `${top}/dir`)
  fs.rmdirSync(`${top}/dir`)
  t.is((thrown(() => fdkit.open('x', 'w', { dirFd })) as Located).dir, `${top}/dir (deleted)`)
})

onLinux('an error of an entry names its method', (t) => {
  const top = makeTree(t, tree)
  const dirFd = opened(t, `${top}/dir`)
  const entries = [...fdkit.scandir(dirFd)]
  fs.rmSync(`${top}/dir/file`)
  const error: Located = thrown(() => entries.find((entry) => entry.name === 'file')!.stat())
  t.regex(error.message, new RegExp(`'file' in '${top}/dir' \\(DirEntry.stat\\)$`))
})

test('the error for a top that is not a directory, or is a link to one, says what to do', async (t) => {
  const top = makeTree(t, { dir: { sub: {} }, file: '', alias: link('dir') })
  for (const api of [fdkit, promises]) {
    for (const path of [`${top}/alias`, `${top}/file`, Buffer.from(`${top}/alias`)]) {
      const errors: NodeJS.ErrnoException[] = []
      const walk = api.fwalk(path as string, { onerror: (error) => errors.push(error) })
      const entries = []
      for await (const entry of walk) entries.push(entry)
      t.deepEqual(entries, [])
      t.is(errors.length, 1)
      t.regex(errors[0]!.code!, /^(ELOOP|ENOTDIR)$/)
      t.regex(
        errors[0]!.message,
        /: the top is not a directory, or is a symbolic link, .*followSymlinks: true$/,
      )
      const loud = api.fwalk(path as string, {
        onerror: (error) => {
          throw error
        },
      })
      await t.throwsAsync(
        async () => {
          for await (const _ of loud) continue
        },
        { message: /followSymlinks: true$/ },
      )
    }
    // The message does not advise to follow links that were swapped in or added below the top.
    const errors: NodeJS.ErrnoException[] = []
    for await (const [path, dirs] of api.fwalk(`${top}`, { onerror: (error) => errors.push(error) })) {
      if (path === top) dirs.push('file')
    }
    t.true(errors.length > 0)
    for (const error of errors) t.false(/followSymlinks/.test(error.message), error.message)
    const followed: NodeJS.ErrnoException[] = []
    await t.throwsAsync(
      async () => {
        for await (const _ of api.fwalk(`${top}/file`, {
          followSymlinks: true,
          onerror: (error) => followed.push(error),
        }))
          continue
      },
      { code: 'ENOTDIR', message: /^(?!.*followSymlinks)/ },
    )
  }
})
