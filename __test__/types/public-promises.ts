// A program that uses every public type of `fdkit/promises`. See public-types.ts.
import type * as fs from 'node:fs'

import {
  UTIME_NOW,
  UTIME_OMIT,
  type DiskUsage,
  type Dirent,
  type EncodingOptions,
  type FwalkEntry,
  type NameEncoding,
  type OpenFile,
  type PathLike,
  type ReaddirOptions,
  type ReceivedFds,
  type SocketType,
  type StatvfsResult,
  type SystemError,
} from 'fdkit'
import {
  access,
  chmod,
  chown,
  diskUsage,
  FdListener,
  FdMessage,
  FdSocket,
  fwalk,
  link,
  listdir,
  lstat,
  memfdCreate,
  mkdir,
  mkfifo,
  mknod,
  open,
  openRoot,
  Root,
  pidfdGetfd,
  pidfdOpen,
  readlink,
  recvFds,
  rename,
  replace,
  rmdir,
  rmtree,
  scandir,
  sendFds,
  stat,
  statAll,
  statvfs,
  symlink,
  unlink,
  utime,
  type AsyncDirEntry,
  type AsyncDiskUsageOptions,
  type AsyncFwalkIterator,
  type AsyncFwalkOptions,
  type AsyncRmtreeOptions,
  type AsyncRootFwalkOptions,
  type FdBindOptions,
  type FdConnectOptions,
  type FdDuplex,
  type FdListenOptions,
  type FdPeer,
  type FdReceiveOptions,
} from 'fdkit/promises'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles if `value` is of type `Expected`, no wider and no narrower. */
function is<Expected>() {
  return <Actual>(_value: Actual & (Same<Actual, Expected> extends true ? unknown : never)) => {}
}

declare const anyPath: PathLike
declare const bytes: Uint8Array
declare const url: URL
declare const signal: AbortSignal

async function walk() {
  for await (const entry of fwalk()) is<FwalkEntry>()(entry)
  for await (const [dirpath, dirnames] of fwalk(bytes, { signal, topdown: false })) {
    is<Buffer>()(dirpath)
    is<Buffer[]>()(dirnames)
  }
}
void walk
async function walkStats() {
  for await (const [, , names, , stats] of fwalk('.', { stats: true, signal })) {
    for (const name of names) is<fs.Stats | undefined>()(stats.get(name))
  }
  for await (const [, , names, , stats] of fwalk(bytes, { stats: true, bigint: true })) {
    for (const name of names) is<fs.BigIntStats | undefined>()(stats.get(name))
  }
  is<(fs.Stats | SystemError)[]>()(await statAll(['a', bytes]))
  is<(fs.BigIntStats | SystemError)[]>()(await statAll(['a'], { bigint: true, dirFd: 3 }))
  const usageOptions: AsyncDiskUsageOptions = { signal, onerror: (error) => is<SystemError<string>>()(error) }
  is<DiskUsage>()(await diskUsage('.', usageOptions))
  is<DiskUsage<Buffer>>()(await diskUsage(bytes, { onerror: (error) => is<SystemError<Buffer>>()(error) }))
}
void walkStats
const walkOptions: AsyncFwalkOptions = { signal, onerror: (error) => is<SystemError<string>>()(error) }
const iterator = fwalk(url, walkOptions)
is<AsyncFwalkIterator>()(iterator)
is<AsyncFwalkIterator>()(iterator[Symbol.asyncIterator]())
is<Promise<IteratorResult<FwalkEntry, undefined>>>()(iterator.next())
is<Promise<void>>()(iterator[Symbol.asyncDispose]())
fwalk(bytes, { onerror: (error) => is<SystemError<Buffer>>()(error) })

is<Promise<number>>()(open(anyPath, 'wx', { dirFd: 3 }))
is<Promise<fs.Stats>>()(stat('.'))
is<Promise<fs.BigIntStats>>()(stat(3, { bigint: true }))
is<Promise<fs.BigIntStats>>()(lstat(url, { bigint: true }))
is<Promise<StatvfsResult>>()(statvfs('.'))
is<Promise<StatvfsResult<bigint>>>()(statvfs(3, { bigint: true }))
void access(anyPath)
is<Promise<void>>()(chmod(3, '600'))
is<Promise<void>>()(chown(bytes, -1, 0, { followSymlinks: false }))
is<Promise<void>>()(utime('file', { times: [UTIME_NOW, UTIME_OMIT] }))
is<Promise<void>>()(mkdir('dir', 0o700, { dirFd: 3 }))
is<Promise<void>>()(mkfifo('fifo'))
is<Promise<void>>()(mknod('node', 0o600, 0, { dirFd: 3 }))
is<Promise<void>>()(link('a', 'b', { srcDirFd: 3 }))
is<Promise<void>>()(rename('a', 'b', { flags: 1 }))
is<Promise<void>>()(replace('a', 'b', { dstDirFd: 3 }))
is<Promise<void>>()(symlink('target', 'path'))
is<Promise<string>>()(readlink('link'))
is<Promise<Buffer>>()(readlink(bytes))
is<Promise<void>>()(unlink('file'))
is<Promise<void>>()(rmdir('dir'))
is<Promise<string[]>>()(listdir())
is<Promise<Buffer[]>>()(listdir(bytes))
is<Promise<AsyncDirEntry[]>>()(scandir('.'))
is<Promise<AsyncDirEntry<Buffer>[]>>()(scandir(bytes))
is<Promise<number>>()(memfdCreate('name', 1))

const rmtreeOptions: AsyncRmtreeOptions = { signal, ignoreErrors: true }
is<Promise<void>>()(rmtree('build', rmtreeOptions))
is<Promise<void>>()(rmtree(bytes, { onerror: (error) => is<SystemError<Buffer>>()(error) }))
// @ts-expect-error: another symbol
void utime('file', { times: [Symbol.iterator, UTIME_NOW] })
// @ts-expect-error: no such option
void fwalk('.', { sginal: signal })
// @ts-expect-error: only fdkit exports these types
type NoEntry = import('fdkit/promises').FwalkEntry

// Descriptors between processes
async function descriptors(socket: FdSocket) {
  is<number>()(await sendFds(3, 'x', [4, { fd: 5 }], { flags: 0 }))
  is<ReceivedFds>()(await recvFds({ fd: 3 }, 10, 1))
  is<number>()(await pidfdOpen(1))
  is<number>()(await pidfdGetfd(3, 0))
  is<FdSocket>()(
    await FdSocket.connect(anyPath, { type: 'dgram', dirFd: 3, signal } satisfies FdConnectOptions),
  )
  is<FdSocket>()(await FdSocket.bind(bytes, { mode: '0600' } satisfies FdBindOptions))
  is<[FdSocket, FdSocket]>()(FdSocket.pair('seqpacket'))
  is<FdSocket>()(FdSocket.from(3))
  const listening: FdListenOptions = { type: 'seqpacket', mode: 0o600, backlog: 5, dirFd: { fd: 3 } }
  await using server = await FdSocket.listen(url, listening)
  is<FdListener>()(server)
  is<FdListener>()(await FdSocket.listen(3))
  for await (const connection of server) is<FdSocket>()(connection)
  is<FdSocket | undefined>()(await server.accept({ signal } satisfies FdReceiveOptions))
  for await (const message of socket) is<FdMessage>()(message)
  const message = await socket.receive()
  is<FdMessage | undefined>()(message)
  is<Buffer | undefined>()(message?.data)
  is<number[] | undefined>()(message?.fds)
  is<number | undefined>()(message?.fdCount)
  is<FdPeer>()(socket.peer)
  is<number>()(socket.unref().ref().pidfd())
  is<SocketType>()(socket.type)
  is<void>()(await socket.send(new SharedArrayBuffer(1), [socket, server]))
  const stream: FdDuplex = socket.toDuplex()
  is<boolean>()(stream.writeWithFds('x', [socket], (error) => is<Error | null | undefined>()(error)))
  // @ts-expect-error: a socket of type dgram cannot listen
  await FdSocket.listen('x', { type: 'dgram' })
  // @ts-expect-error: no such type
  FdSocket.pair('raw')
  // @ts-expect-error: the constructor is not public
  void new FdSocket()
  // @ts-expect-error: descriptors are an array
  await socket.send('x', 3)
}
void descriptors

// Roots
async function roots(
  encodingOptions: EncodingOptions,
  nameEncoding: NameEncoding,
  readdirOptions: ReaddirOptions,
) {
  await using root = await openRoot(anyPath, { symlinks: 'beneath', crossDevice: true })
  is<Root>()(root)
  is<Root>()(await root.openRoot('directory'))
  is<number>()(root.fd)
  is<number>()(await root.open('file', 'wx', 0o600))
  is<OpenFile>()(await root.openFile('file', 'r', { mode: 0 }))
  is<Buffer>()(await root.readFile('file'))
  is<string>()(await root.readFile(url, { encoding: 'utf8' }))
  is<string | Buffer>()(await root.readFile('file', nameEncoding))
  is<void>()(await root.writeFile('file', bytes, { atomic: true, flush: true }))
  is<void>()(await root.appendFile('file', 'text'))
  is<fs.Stats>()(await root.stat(bytes))
  is<fs.BigIntStats>()(await root.lstat('file', { bigint: true }))
  is<void>()(await root.access('file'))
  is<boolean>()(await root.exists('file'))
  is<string[]>()(await root.readdir('.'))
  is<Buffer[]>()(await root.readdir('.', 'buffer'))
  is<Dirent[]>()(await root.readdir('.', { withFileTypes: true }))
  is<Dirent<Buffer>[]>()(await root.readdir('.', { withFileTypes: true, encoding: 'buffer' }))
  is<string[] | Buffer[] | Dirent[] | Dirent<Buffer>[]>()(await root.readdir('.', readdirOptions))
  is<void>()(await root.mkdir('directory'))
  is<string | undefined>()(await root.mkdir('directory', { recursive: true }))
  is<string>()(await root.mkdtemp('prefix-'))
  is<Buffer>()(await root.readlink('link', 'buffer'))
  is<string | Buffer>()(await root.realpath('file', encodingOptions))
  is<void>()(await root.rm('directory', { recursive: true, force: true }))
  is<void>()(await root.unlink('file'))
  is<void>()(await root.rmdir('directory'))
  is<void>()(await root.rename('a', 'b', { exchange: true }))
  is<void>()(await root.link('a', 'b'))
  is<void>()(await root.symlink('target', 'path'))
  is<void>()(await root.chmod('file', 0o600))
  is<void>()(await root.chown('file', 0, 0))
  is<void>()(await root.utimes('file', 5, new Date()))
  is<void>()(await root.truncate('file'))
  const options: AsyncRootFwalkOptions = { signal, topdown: false }
  for await (const entry of root.fwalk('.', options)) is<FwalkEntry>()(entry)
  is<AsyncFwalkIterator<Buffer>>()(root.fwalk(bytes))
  void open('file', 'r', { dirFd: root })
  // @ts-expect-error: a missing file is always an error
  await root.stat('file', { throwIfNoEntry: false })
  // @ts-expect-error: the constructor is not public
  void new Root()
}
void roots
