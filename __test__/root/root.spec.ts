// Tests what a Root does besides what node:fs does: options, errors, closing, descriptors.
import * as fs from 'node:fs'
import * as nodePromises from 'node:fs/promises'
import { inspect } from 'node:util'

import test, { type ExecutionContext } from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { thrown } from '../helpers/errors.js'
import { countFds, isOpen } from '../helpers/fds.js'
import { isNode, noMountNumbers, notLinux, notRoot, unless } from '../helpers/platform.js'
import { fsencode, FIFO, link, makeTree, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const alone = unless(notLinux, test.serial)

const TREE: Tree = {
  dir: { file: 'contents', sub: { deep: '' } },
  file: 'contents',
  in: link('dir'),
  out: link('..'),
  absolute: link('/etc'),
}

function opened(t: ExecutionContext, tree: Tree = TREE, options?: fdkit.RootOptions) {
  const top = makeTree(t, tree)
  const root = fdkit.openRoot(top, options)
  t.teardown(() => root.close())
  return { top, root }
}

// The calls of all methods that take a path, with a path that leads out.
type AnyRoot = fdkit.Root | promises.Root
const calls: Record<string, (root: AnyRoot, path: string) => unknown> = {
  access: (root, path) => root.access(path),
  appendFile: (root, path) => root.appendFile(path, 'x'),
  chmod: (root, path) => root.chmod(path, 0o777),
  chown: (root, path) => root.chown(path, 0, 0),
  fwalk: (root, path) => root.fwalk(path).next(),
  'link from': (root, path) => root.link(path, 'new'),
  'link to': (root, path) => root.link('file', path),
  lstat: (root, path) => root.lstat(path),
  mkdir: (root, path) => root.mkdir(path),
  'mkdir of all': (root, path) => root.mkdir(`${path}/a/b`, { recursive: true }),
  mkdtemp: (root, path) => root.mkdtemp(path),
  open: (root, path) => root.open(path),
  openFile: (root, path) => root.openFile(path, 'w'),
  openRoot: (root, path) => root.openRoot(path),
  readFile: (root, path) => root.readFile(path),
  readdir: (root, path) => root.readdir(path),
  'readdir with types': (root, path) => root.readdir(path, { withFileTypes: true, recursive: true }),
  readlink: (root, path) => root.readlink(path),
  realpath: (root, path) => root.realpath(path),
  'rename from': (root, path) => root.rename(path, 'new'),
  'rename to': (root, path) => root.rename('file', path),
  rm: (root, path) => root.rm(path),
  'rm of a tree': (root, path) => root.rm(path, { recursive: true, force: true }),
  rmdir: (root, path) => root.rmdir(path),
  stat: (root, path) => root.stat(path),
  symlink: (root, path) => root.symlink('x', path),
  truncate: (root, path) => root.truncate(path),
  unlink: (root, path) => root.unlink(path),
  utimes: (root, path) => root.utimes(path, 1, 1),
  writeFile: (root, path) => root.writeFile(path, 'x'),
  'writeFile, atomic': (root, path) => root.writeFile(path, 'x', { atomic: true }),
}

test('every method that takes a path is called below', (t) => {
  for (const { prototype } of [fdkit.Root, promises.Root]) {
    const methods = Object.entries(Object.getOwnPropertyDescriptors(prototype))
      .filter(
        ([name, { value }]) => typeof value === 'function' && !/^(constructor|close|exists)$/.test(name),
      )
      .map(([name]) => name)
    t.deepEqual(
      [...new Set(Object.keys(calls).map((name) => /^\w+/.exec(name)![0]))].toSorted(),
      methods.toSorted(),
    )
  }
})

for (const [name, call] of Object.entries(calls)) {
  onLinux(
    `${name}: a path that leads out has the code ERR_FDKIT_ESCAPE, and nothing outside changes`,
    async (t) => {
      const top = makeTree(t, {
        outside: { file: 'kept', sub: {} },
        root: { ...TREE, out: link('../outside') },
      })
      const before = fs.readdirSync(`${top}/outside`, { recursive: true })
      const root = fdkit.openRoot(`${top}/root`)
      const later = await promises.openRoot(`${top}/root`)
      for (const path of [
        '../outside/file',
        'out/file',
        'absolute/x',
        '/etc/x',
        'dir/../../outside/file',
        '../root/file',
      ]) {
        const error = thrown(() => call(root, path))
        t.is(error.code, 'ERR_FDKIT_ESCAPE', path)
        t.is(error.errno, -18)
        t.is(error.syscall, 'openat2')
        t.true(
          [error.path, (error as fdkit.SystemError).dest].some((each) => String(each).startsWith(path)),
          path,
        )
        t.regex(error.message, /^ERR_FDKIT_ESCAPE: the path leads out of the root, openat2 /)
        const rejection = await t.throwsAsync(async () => call(later, path))
        t.is(rejection?.message, error.message)
      }
      t.deepEqual(fs.readdirSync(`${top}/outside`, { recursive: true }), before)
      t.is(fs.readFileSync(`${top}/outside/file`, 'utf8'), 'kept')
      root.close()
      await later.close()
    },
  )

  onLinux(`${name}: a closed root has the code ERR_INVALID_STATE`, async (t) => {
    const { top, root } = opened(t)
    const later = await promises.openRoot(top)
    root.close()
    await later.close()
    t.is(thrown(() => call(root, 'file')).code, 'ERR_INVALID_STATE')
    await t.throwsAsync(async () => call(later, 'file'), { code: 'ERR_INVALID_STATE' })
  })
}

onLinux(
  'with symlinks: refuse, every link on the way is refused, and a link at the end only if it is followed',
  (t) => {
    const { root } = opened(t, TREE, { symlinks: 'refuse' })
    for (const path of ['in/file', 'in', 'in/', 'out', 'absolute']) {
      const error = thrown(() => root.stat(path))
      t.is(error.code, 'ERR_FDKIT_ESCAPE', path)
      t.regex(error.message, /or through a symbolic link/)
    }
    t.true(root.lstat('in').isSymbolicLink())
    t.is(root.readlink('in'), 'dir')
    t.is(root.readFile('dir/../dir/file', 'utf8'), 'contents')
    t.is(thrown(() => root.openRoot('dir').stat('../in')).code, 'ERR_FDKIT_ESCAPE')
    root.rename('in', 'dir/link')
    t.is(thrown(() => root.openRoot('dir').readdir('link')).code, 'ERR_FDKIT_ESCAPE')
    root.unlink('dir/link')
  },
)

onLinux('magic links of /proc are refused', (t) => {
  const root = fdkit.openRoot('/proc/self')
  t.teardown(() => root.close())
  for (const path of ['cwd', 'cwd/package.json', 'exe', 'fd/0', 'root/etc', 'ns/mnt']) {
    t.is(thrown(() => root.stat(path)).code, 'ELOOP', path)
  }
  t.true(root.lstat('cwd').isSymbolicLink())
  t.is(typeof root.readlink('cwd'), 'string')
})

onLinux('openRoot takes a descriptor, a FileHandle and another Root, and works on a duplicate', async (t) => {
  const top = makeTree(t, TREE)
  const fd = fs.openSync(top, 'r')
  const handle = await nodePromises.open(top)
  const other = fdkit.openRoot(top)
  for (const place of [fd, handle, other]) {
    const root = fdkit.openRoot(place)
    const later = await promises.openRoot(place)
    t.is(root.readFile('file', 'utf8'), 'contents')
    t.is(await later.readFile('file', 'utf8'), 'contents')
    root.close()
    await later.close()
  }
  const root = fdkit.openRoot(fd)
  fs.closeSync(fd)
  t.true(root.stat('.').isDirectory())
  root.close()
  other.close()
  await handle.close()
  t.is(thrown(() => fdkit.openRoot(fd)).code, 'EBADF')
  const file = fs.openSync(`${top}/file`, 'r')
  t.is(thrown(() => fdkit.openRoot(file)).code, 'ENOTDIR')
  t.is(thrown(() => fdkit.openRoot(`${top}/file`)).code, 'ENOTDIR')
  await t.throwsAsync(promises.openRoot(`${top}/file`), { code: 'ENOTDIR' })
  fs.closeSync(file)
})

onLinux('a Root is accepted wherever a dirFd is', async (t) => {
  const { root } = opened(t)
  t.is(fdkit.stat('file', { dirFd: root }).size, 8)
  t.deepEqual(
    fdkit.listdir(root).toSorted(),
    fs.readdirSync(root.realpath('.') === '.' ? `/proc/self/fd/${root.fd}` : '').toSorted(),
  )
  t.is((await promises.stat('file', { dirFd: root })).size, 8)
  const later = await promises.openRoot(root)
  t.is(fdkit.stat('file', { dirFd: later }).size, 8)
  await later.close()
})

alone('fd is closed with the root, and is no way to put another directory in its place', async (t) => {
  const before = countFds()
  const { top, root } = opened(t)
  t.is(countFds(), before + 1)
  const { fd } = root
  t.is(root.fd, fd)
  t.is(countFds(), before + 2)
  fs.closeSync(fd)
  t.is(fs.openSync('/etc', 'r'), fd)
  t.is(root.readFile('file', 'utf8'), 'contents')
  root.close()
  root.close()
  t.false(isOpen(fd))
  t.is(countFds(), before)
  const later = await promises.openRoot(top)
  const pending = [later.readFile('file', 'utf8'), later.readdir('.'), later.rm('dir', { recursive: true })]
  const number = later.fd
  await later.close()
  // Until then, they can use the number for a descriptor of their own.
  t.deepEqual((await Promise.all(pending))[0], 'contents')
  t.false(isOpen(number))
  t.false(fs.existsSync(`${top}/dir`))
  t.is(countFds(), before)
})

alone('using and await using close a root', async (t) => {
  const top = makeTree(t, TREE)
  const before = countFds()
  {
    using root = fdkit.openRoot(top)
    await using later = await promises.openRoot(top)
    using file = root.openFile('file')
    using other = await later.openFile('file')
    t.is(fs.readFileSync(file.fd, 'utf8') + fs.readFileSync(other.fd, 'utf8'), 'contentscontents')
    t.is(countFds(), before + 4)
  }
  t.is(countFds(), before)
})

onLinux('the garbage collector closes roots that were dropped', (t) => {
  const script = `
    const before = countFds()
    async function drop() {
      const roots = [fdkit.openRoot(args[0]), await fdkit.promises.openRoot(args[0])]
      for (const root of roots) void [root.fd, await root.openRoot('.'), await root.fwalk().next()]
    }
    for (let i = 0; i < 50; i++) await drop()
    const most = countFds() - before
    for (let i = 0; i < 50 && countFds() > before; i++) {
      gc()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    answer([most > 100, countFds() - before])`
  t.deepEqual(child(script, { args: [makeTree(t)], nodeArguments: ['--expose-gc'] }), [true, 0])
})

onLinux('openFile closes its descriptor once', (t) => {
  const { root } = opened(t)
  const file = root.openFile('new', 'wx+', 0o600)
  fs.writeSync(file.fd, 'text')
  file.close()
  t.false(isOpen(file.fd))
  const taken = fs.openSync('/', 'r')
  file[Symbol.dispose]()
  t.true(isOpen(taken))
  fs.closeSync(taken)
  t.is(root.stat('new').mode & 0o777, 0o600)
})

onLinux('exists never throws', async (t) => {
  const { top, root } = opened(t)
  const later = await promises.openRoot(top)
  const paths = [
    'file',
    'in/file',
    'none',
    '../x',
    'absolute/passwd',
    '',
    'a\0b',
    5,
    undefined,
    Symbol('s'),
    {},
  ]
  const expected = [true, true, ...Array(9).fill(false)]
  t.deepEqual(
    paths.map((path) => root.exists(path as string)),
    expected,
  )
  t.deepEqual(await Promise.all(paths.map((path) => later.exists(path as string))), expected)
  root.close()
  await later.close()
  t.false(root.exists('file'))
  t.false(await later.exists('file'))
})

// The node:fs of Bun and Deno does not sort names.
const inOrder = <T>(list: T[]): T[] =>
  isNode ? list : [...list].sort((a, b) => (String(a) < String(b) ? -1 : 1))

onLinux('results are those of node:fs', async (t) => {
  const { top, root } = opened(t, {
    ...TREE,
    fifo: FIFO,
    'caf\u{e9}': '',
    'bad\uDCFF': { inner: '' },
  })
  const later = await promises.openRoot(top)
  t.deepEqual(root.stat('file'), fdkit.stat(`${top}/file`))
  t.true(root.stat('file') instanceof fs.Stats)
  t.deepEqual(root.lstat('in', { bigint: true }), fdkit.lstat(`${top}/in`, { bigint: true }))
  t.deepEqual(await later.stat('file', { bigint: true }), root.stat('file', { bigint: true }))
  t.is(root.stat('none', { throwIfNoEntry: false }), undefined)
  t.is(root.lstat('file/x', { throwIfNoEntry: false }), undefined)
  for (const encoding of ['utf8', 'latin1', 'hex', 'buffer', 'utf16le'] as const) {
    t.deepEqual(
      root.readFile('file', encoding),
      fs.readFileSync(`${top}/file`, encoding === 'buffer' ? null : encoding),
      encoding,
    )
    t.deepEqual(await later.readFile('file', { encoding }), root.readFile('file', { encoding }))
    if (encoding === 'utf8') continue
    const nodes = fs.readdirSync(top, encoding as BufferEncoding)
    const ours = root.readdir('.', encoding as 'buffer')
    t.deepEqual(inOrder(ours as unknown[]), inOrder(nodes))
    t.deepEqual(await later.readdir('.', { encoding: encoding as 'buffer' }), ours)
    t.deepEqual(root.readlink('in', encoding as 'hex'), fs.readlinkSync(`${top}/in`, encoding as 'hex'))
  }
  t.true(Buffer.isBuffer(root.readFile('file')))
  t.true(Buffer.isBuffer(root.readFile('file', null)))
  const names = root.readdir('.')
  t.deepEqual(
    names.map((name) => fsencode(name).toString('hex')),
    inOrder(fs.readdirSync(top, 'hex')),
  )
  t.deepEqual(await later.readdir('.'), names)
  t.true(root.exists('bad\uDCFF/inner'))
  for (const options of [{ withFileTypes: true }, { withFileTypes: true, recursive: true }] as const) {
    const show = (entries: { name: string | Buffer; parentPath: string }[]) =>
      entries.map((entry) => [entry.name, entry.parentPath, types(entry as never)])
    // node:fs cannot enter a name that is not UTF-8.
    root.rename('bad\uDCFF', 'good')
    // Since Node.js 22, it follows links to directories, also out of the tree.
    if ('recursive' in options) for (const name of ['in', 'out', 'absolute']) root.unlink(name)
    const entries = root.readdir('dir/..', options)
    const nodes = fs.readdirSync(top, options).map((entry) => {
      const parent = (entry as unknown as { parentPath?: string; path: string }).parentPath ?? entry.path
      return Object.assign(entry, { parentPath: parent.slice(top.length + 1) })
    })
    const own = show(entries).map(([name, parent, type]) => [
      name,
      (parent as string).replace(/^dir\/\.\.$|^\.$/, ''),
      type,
    ])
    t.deepEqual(inOrder(own), inOrder(show(nodes as never)))
    t.deepEqual(show(await later.readdir('dir/..', options)), show(entries))
    t.true(entries.every((entry) => entry instanceof fs.Dirent))
    root.rename('good', 'bad\uDCFF')
  }
  root.symlink('dir', 'in')
  const flat = root.readdir('.', { recursive: true })
  t.true(flat.includes('dir/sub/deep') && flat.includes('bad\uDCFF/inner') && !flat.includes('in/file'))
  t.deepEqual(await later.readdir('.', { recursive: true }), flat)
  await later.close()
})

const types = (entry: fs.Dirent) =>
  [
    entry.isBlockDevice(),
    entry.isCharacterDevice(),
    entry.isDirectory(),
    entry.isFIFO(),
    entry.isFile(),
    entry.isSocket(),
    entry.isSymbolicLink(),
  ].join()

onLinux('files are written as node:fs writes them', async (t) => {
  const { top, root } = opened(t)
  const later = await promises.openRoot(top)
  const read = () => fs.readFileSync(`${top}/new`, 'utf8')
  const bytes = new Uint8Array(Buffer.from('xbytesx')).subarray(1, 6)
  for (const data of ['text', bytes, new DataView(bytes.buffer, 1, 5), Buffer.from('buffer')]) {
    root.writeFile('new', data)
    const expected = fs.readFileSync(`${top}/new`)
    fs.writeFileSync(`${top}/new`, data)
    t.deepEqual(expected, fs.readFileSync(`${top}/new`))
    await later.writeFile('new', data, { atomic: true, flush: true })
    t.deepEqual(fs.readFileSync(`${top}/new`), expected)
  }
  root.writeFile('new', '6869', 'hex')
  t.is(read(), 'hi')
  root.appendFile('new', '!')
  await later.appendFile('new', Buffer.from('?'))
  t.is(read(), 'hi!?')
  root.writeFile('new', 'ab', { flag: 'r+' })
  t.is(read(), 'ab!?')
  t.is(thrown(() => root.writeFile('new', '', { flag: 'wx' })).code, 'EEXIST')
  t.is(thrown(() => root.writeFile('new', '', { flag: 'wx', atomic: true })).code, 'EEXIST')
  t.is(thrown(() => root.writeFile('new', '', { flag: 'a', atomic: true })).code, 'ERR_INVALID_ARG_VALUE')
  root.truncate('new', 2)
  t.is(read(), 'ab')
  const pending = later.writeFile('new', bytes)
  bytes.fill(0)
  await pending
  t.is(read(), 'bytes')
  await later.close()
})

onLinux('directories are made and removed as by node:fs', (t) => {
  const { top, root } = opened(t)
  t.is(root.mkdir('a/b/c', { recursive: true, mode: 0o700 }), 'a')
  t.is(root.mkdir('a/b/c', { recursive: true }), undefined)
  t.is(fs.statSync(`${top}/a/b`).mode & 0o777, 0o700)
  t.is(root.mkdir('sticky', 0o1777), undefined)
  fs.mkdirSync(`${top}/nodes`, 0o1777)
  t.is(root.stat('sticky').mode, fs.statSync(`${top}/nodes`).mode)
  t.regex(root.mkdtemp('a/tmp-'), /^a\/tmp-[A-Za-z0-9]{6}$/)
  t.true(Buffer.isBuffer(root.mkdtemp('a/tmp-', 'buffer')))
  t.is(thrown(() => root.rm('a')).code, thrown(() => fs.rmSync(`${top}/a`)).code)
  t.is(thrown(() => root.rm('none')).code, 'ENOENT')
  root.rm('none', { force: true })
  root.rm('none/x', { force: true, recursive: true })
  root.rm('a', { recursive: true })
  root.rm('in', { recursive: true })
  t.true(fs.existsSync(`${top}/dir/file`))
  for (const path of ['.', './', 'dir/..', 'dir/.']) {
    t.is(thrown(() => root.rm(path, { recursive: true })).code, 'EINVAL', path)
  }
})

onLinux('rename exchanges or refuses to replace', (t) => {
  const { root } = opened(t)
  t.is(thrown(() => root.rename('file', 'dir/file', { noReplace: true })).code, 'EEXIST')
  root.rename('file', 'dir', { exchange: true })
  t.true(root.stat('file').isDirectory())
  t.is(
    thrown(() => root.rename('file', 'dir', { exchange: true, noReplace: true })).code,
    'ERR_INVALID_ARG_VALUE',
  )
})

onLinux('a walk stays beneath the root, with paths that start with what was given', async (t) => {
  const { top, root } = opened(t)
  const shown = (walk: Iterable<fdkit.FwalkEntry>) =>
    Array.from(walk, ([path, dirs, files]) => [path, dirs.toSorted(), files])
  t.deepEqual(shown(root.fwalk('in/../dir')), [
    ['in/../dir', ['sub'], ['file']],
    ['in/../dir/sub', [], ['deep']],
  ])
  const later = await promises.openRoot(top)
  const found = []
  for await (const [path, , , dirFd] of later.fwalk('dir', { topdown: false }))
    found.push([path, isOpen(dirFd)])
  t.deepEqual(found, [
    ['dir/sub', true],
    ['dir', true],
  ])
  const errors: string[] = []
  t.deepEqual(shown(root.fwalk('in', { onerror: ({ code, path }) => errors.push(`${code} ${path}`) })), [])
  t.deepEqual(errors, ['ENOTDIR in'])
  const walk = root.fwalk()
  walk.next()
  root.close()
  t.false(walk.next().done)
  walk.return()
  await later.close()
})

unless(notLinux || notRoot || noMountNumbers, test.serial)(
  'with crossDevice: false, another mount is not entered',
  async (t) => {
    const { execFileSync } = await import('node:child_process')
    const top = makeTree(t, { root: { mount: {}, bind: {}, file: '' }, other: { kept: 'x' } })
    try {
      execFileSync('mount', ['-t', 'tmpfs', 'none', `${top}/root/mount`])
    } catch {
      t.pass('mounting is not allowed here')
      return
    }
    execFileSync('mount', ['--bind', `${top}/other`, `${top}/root/bind`])
    try {
      fs.writeFileSync(`${top}/root/mount/kept`, 'x')
      const root = fdkit.openRoot(`${top}/root`, { crossDevice: false })
      for (const directory of ['mount', 'bind']) {
        const calls = [
          () => root.readFile(`${directory}/kept`),
          () => root.stat(directory),
          () => root.readdir(directory),
          () => root.rm(directory, { recursive: true }),
          () => root.rm('.', { recursive: true }),
        ]
        for (const call of calls.slice(0, 4)) t.is(thrown(call).code, 'ERR_FDKIT_ESCAPE', String(call))
      }
      const skipped: unknown[] = []
      const paths = Array.from(
        root.fwalk('.', { onerror: ({ code, path }) => skipped.push(`${code} ${path}`) }),
        ([path]) => path,
      )
      t.deepEqual(paths, ['.'])
      t.deepEqual(skipped.toSorted(), ['ERR_FDKIT_ESCAPE ./bind', 'ERR_FDKIT_ESCAPE ./mount'])
      t.is(
        fs.readFileSync(`${top}/root/mount/kept`, 'utf8') + fs.readFileSync(`${top}/other/kept`, 'utf8'),
        'xx',
      )
      t.is(fdkit.openRoot(`${top}/root`).readFile('mount/kept', 'utf8'), 'x')
      root.close()
    } finally {
      execFileSync('umount', [`${top}/root/mount`])
      execFileSync('umount', [`${top}/root/bind`])
    }
  },
)

test('a Root cannot be constructed, cloned or mistaken', async (t) => {
  const Illegal = fdkit.Root as unknown as new () => unknown
  t.throws(() => new Illegal(), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
  const IllegalToo = promises.Root as unknown as new () => unknown
  t.throws(() => new IllegalToo(), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
  const root = fdkit.openRoot('.')
  const later = await promises.openRoot('.')
  for (const each of [root, later]) {
    const refusal = thrown(() => structuredClone(each))
    t.is(refusal.name, 'DataCloneError')
    // Bun replaces the message.
    if (isNode) t.regex(refusal.message, /A Root belongs to its thread/)
    t.is(inspect(each), 'Root {}')
    t.notThrows(() => inspect(Object.create(each)))
    await each.close()
    t.is(inspect(each), 'Root { closed }')
  }
})
