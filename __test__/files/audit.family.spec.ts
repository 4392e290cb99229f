// Tests that the functions on files raise the audit events of Python. A hook cannot be removed, so
// each test runs in a child process.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'

import { type ExecutionContext } from 'ava'

import { child } from '../helpers/child.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const makeDir = (t: ExecutionContext) => makeTree(t, { dir: { inside: '' }, empty: {}, file: 'contents' })

const events = [
  'os.chmod',
  'os.chown',
  'os.link',
  'os.mkdir',
  'os.remove',
  'os.rename',
  'os.rmdir',
  'os.symlink',
  'os.utime',
  'os.scandir',
  'os.listdir',
  'shutil.rmtree',
]

// The same calls in both languages, one on each line. All of them fail or change nothing that matters.
const calls: [ours: string, pythons: string][] = [
  ["chmod('none', 0o640)", "os.chmod('none', 0o640)"],
  ["chmod('none', 0o640, { dirFd })", "os.chmod('none', 0o640, dir_fd=fd)"],
  ['chmod(dirFd, 0o700)', 'os.chmod(fd, 0o700)'],
  ["chown('none', 1, -1)", "os.chown('none', 1, -1)"],
  [
    "chown('none', 1, 2, { dirFd, followSymlinks: false })",
    "os.chown('none', 1, 2, dir_fd=fd, follow_symlinks=False)",
  ],
  ['chown(dirFd, -1, -1)', 'os.chown(fd, -1, -1)'],
  ["link('none', 'x')", "os.link('none', 'x')"],
  ["link('none', 'x', { srcDirFd: dirFd })", "os.link('none', 'x', src_dir_fd=fd)"],
  ["link('none', 'x', { dstDirFd: dirFd })", "os.link('none', 'x', dst_dir_fd=fd)"],
  ["mkdir('dir')", "os.mkdir('dir')"],
  ["mkdir('dir', 0o700, { dirFd })", "os.mkdir('dir', 0o700, dir_fd=fd)"],
  ["unlink('none')", "os.remove('none')"],
  ["unlink('none', { dirFd })", "os.unlink('none', dir_fd=fd)"],
  ["rename('none', 'x')", "os.rename('none', 'x')"],
  ["rename('none', 'x', { srcDirFd: dirFd })", "os.rename('none', 'x', src_dir_fd=fd)"],
  ["replace('none', 'x')", "os.replace('none', 'x')"],
  ["replace('none', 'x', { dstDirFd: dirFd })", "os.replace('none', 'x', dst_dir_fd=fd)"],
  ["rmdir('none')", "os.rmdir('none')"],
  ["rmdir('none', { dirFd })", "os.rmdir('none', dir_fd=fd)"],
  ["symlink('target', 'file')", "os.symlink('target', 'file')"],
  ["symlink('target', 'file', { dirFd })", "os.symlink('target', 'file', dir_fd=fd)"],
  ["utime('none')", "os.utime('none')"],
  ["utime('none', { times: [1, 2.5] })", "os.utime('none', (1, 2.5))"],
  ["utime('none', { times: [1, 2], dirFd })", "os.utime('none', (1, 2), dir_fd=fd)"],
  ['utime(dirFd, { times: [1, 2] })', 'os.utime(fd, (1, 2))'],
  ['scandir()', 'os.scandir()'],
  ["scandir('dir')", "os.scandir('dir')"],
  ["scandir(Buffer.from('dir'))", "os.scandir(b'dir')"],
  ['scandir(dirFd)', 'os.scandir(fd)'],
  ['listdir()', 'os.listdir()'],
  ["listdir('dir')", "os.listdir('dir')"],
  ['listdir(dirFd)', 'os.listdir(fd)'],
  ["rmtree('none')", "shutil.rmtree('none')"],
  ["rmtree('none', { dirFd })", "shutil.rmtree('none', dir_fd=fd)"],
  // These raise none of these events in either language.
  ["canAccess('file')", "os.access('file', os.F_OK)"],
  ["stat('file')", "os.stat('file')"],
  ["readlink('none')", "os.readlink('none')"],
  ["mkfifo('file')", "os.mkfifo('file')"],
]

const python = `
import json, os, shutil, sys
os.chdir(sys.argv[1])
events, seen, hearing = set(${JSON.stringify(events)}), [], False
def shown(value):
    if isinstance(value, bytes): return 'bytes ' + value.decode()
    # C's unsigned form of the id that stands for "as it is"; ours is as it was given.
    if value == 0xffffffff: return -1
    return 'FD' if value == fd else value
def hook(event, args):
    if hearing and event in events: seen.append([event, [shown(arg) for arg in args]])
fd = os.open('.', 0)
while fd < 20: fd = os.dup(fd)
sys.addaudithook(hook)
for call in [${calls.map(([, text]) => `lambda: ${text}`).join(', ')}]:
    seen.append('next')
    hearing = True
    try: call()
    except OSError: pass
    hearing = False
print(json.dumps(seen))
`

const names = `const { ${[
  'canAccess',
  'chmod',
  'chown',
  'link',
  'listdir',
  'mkdir',
  'mkfifo',
  'open',
  'readlink',
  'rename',
  'replace',
  'rmdir',
  'rmtree',
  'scandir',
  'stat',
  'symlink',
  'unlink',
  'utime',
].join(', ')} }`

const script = `
  import * as promises from 'fdkit/promises'
  process.chdir(args[0])
  const seen = []
  let dirFd = fs.openSync('.')
  while (dirFd < 20) dirFd = fs.openSync('.')
  const shown = (value) =>
    value instanceof Uint8Array ? 'bytes ' + value : value === dirFd ? 'FD' : value ?? null
  fdkit.addAuditHook((event, args) => {
    if (args[1] !== 'hidden') seen.push([event, args.map(shown)])
  })
  ${names} = args[1] === 'promises' ? promises : fdkit
  for (const call of [${calls.map(([text]) => `() => ${text}`).join(', ')}]) {
    seen.push('next')
    try { await call() } catch (error) { if (error.errno === undefined) throw error }
  }
  answer(seen)
`

for (const which of ['fdkit', 'promises']) {
  unless(notLinux || missing('python3'))(
    `${which}: events have the names, arguments and order of Python`,
    (t) => {
      const top = makeDir(t)
      const expected = JSON.parse(execFileSync('python3', ['-c', python, top], { encoding: 'utf8' }))
      const label = (seen: unknown[]) => seen.map((event) => JSON.stringify(event))
      t.deepEqual(label(child(script, { args: [top, which] })), label(expected))
      t.true(events.every((event) => JSON.stringify(expected).includes(`["${event}"`)))
    },
  )
}

onLinux('diagnostics channels carry the arguments by name', (t) => {
  const found = child(
    `
    import { subscribe } from 'node:diagnostics_channel'
    process.chdir(args[0])
    const seen = []
    for (const name of ${JSON.stringify(events)}) subscribe(name, (message, name) => seen.push([name, message]))
    const attempt = (call) => { try { call() } catch {} }
    const { chmod, chown, link, mkdir, rename, replace, rmtree, scandir, symlink, utime } = fdkit
    attempt(() => chmod('none', '640'))
    attempt(() => chown('none', 1, -1, { dirFd: 9 }))
    attempt(() => link('none', 'x', { dstDirFd: 9 }))
    attempt(() => mkdir('dir'))
    attempt(() => rename('none', 'x', { srcDirFd: 9, flags: 1 }))
    attempt(() => replace('none', 'x'))
    attempt(() => symlink('target', 'file'))
    attempt(() => utime('none', { times: [1, 2] }))
    attempt(() => utime('none', { ns: [fdkit.UTIME_NOW, fdkit.UTIME_OMIT] }))
    attempt(() => scandir('dir'))
    attempt(() => rmtree('none', { dirFd: 9 }))
    const json = (_, value) => typeof value === 'symbol' ? String(value) : value
    fs.writeSync(1, JSON.stringify(seen, json))
  `,
    { args: [makeDir(t)] },
  )
  t.deepEqual(found, [
    ['os.chmod', { path: 'none', mode: 0o640, dirFd: -1 }],
    ['os.chown', { path: 'none', uid: 1, gid: -1, dirFd: 9 }],
    ['os.link', { src: 'none', dst: 'x', srcDirFd: -1, dstDirFd: 9 }],
    ['os.mkdir', { path: 'dir', mode: 0o777, dirFd: -1 }],
    ['os.rename', { src: 'none', dst: 'x', srcDirFd: 9, dstDirFd: -1 }],
    ['os.rename', { src: 'none', dst: 'x', srcDirFd: -1, dstDirFd: -1 }],
    ['os.symlink', { src: 'target', dst: 'file', dirFd: -1 }],
    ['os.utime', { path: 'none', times: [1, 2], dirFd: -1 }],
    ['os.utime', { path: 'none', ns: ['Symbol(fdkit.UTIME_NOW)', 'Symbol(fdkit.UTIME_OMIT)'], dirFd: -1 }],
    ['os.scandir', { path: 'dir' }],
    ['shutil.rmtree', { path: 'none', dirFd: 9 }],
  ])
})

for (const which of ['fdkit', 'promises']) {
  onLinux(`${which}: a call that a hook refuses changes nothing and leaks no descriptor`, (t) => {
    const top = makeDir(t)
    const look = () =>
      fs.readdirSync(top).map((name) => {
        const { mode, uid, nlink, mtimeNs } = fs.lstatSync(`${top}/${name}`, { bigint: true })
        return [name, mode, uid, nlink, mtimeNs]
      })
    const before = look()
    const found = child<[string[], boolean]>(
      `
      import * as promises from 'fdkit/promises'
      process.chdir(args[0])
      ${names} = args[1] === 'promises' ? promises : fdkit
      const dirFd = fs.openSync('.')
      await Promise.allSettled([(async () => readlink('none', { dirFd }))()])
      const before = countFds()
      fdkit.addAuditHook((event) => { throw new Error('no ' + event) })
      const refused = []
      for (const call of [
        () => chmod('file', 0), () => chown('file', 1, 1, { dirFd }), () => link('file', 'x', { srcDirFd: dirFd }),
        () => mkdir('x', 0o700, { dirFd }), () => unlink('file', { dirFd }), () => rename('file', 'x'),
        () => replace('file', 'x', { dstDirFd: dirFd }), () => rmdir('empty', { dirFd }), () => symlink('file', 'x'),
        () => utime('file', { ns: [0n, 0n] }), () => scandir('.', { dirFd }), () => listdir('.', { dirFd }),
        () => rmtree('dir', { dirFd }), () => open('x', 'w', { dirFd }),
      ]) {
        try { await call(); refused.push('done') } catch (error) { refused.push(error.message) }
      }
      answer([refused, countFds() === before])
    `,
      { args: [top, which] },
    )
    const expected = [
      'os.chmod',
      'os.chown',
      'os.link',
      'os.mkdir',
      'os.remove',
      'os.rename',
      'os.rename',
      'os.rmdir',
      'os.symlink',
      'os.utime',
      'os.scandir',
      'os.listdir',
      'shutil.rmtree',
      'open',
    ].map((event) => `no ${event}`)
    t.deepEqual(found, [expected, true])
    t.deepEqual(look(), before)
  })
}
