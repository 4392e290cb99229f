// A program that uses every public type. It is compiled like a program of a user, with strict and the
// default library, and never run. Lines that must not compile are marked.
import type * as fs from 'node:fs'

import * as fdkit from 'fdkit'
import {
  addAuditHook,
  addSeals,
  diskUsage,
  dup,
  F_SEAL_WRITE,
  fwalk,
  getInheritable,
  getSeals,
  listdir,
  lstat,
  memfdCreate,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  open,
  openRoot,
  Root,
  rmdir,
  setInheritable,
  stat,
  statAll,
  statvfs,
  unlink,
  type AuditEvents,
  type AuditHook,
  type AppendFileOptions,
  type DirFdOptions,
  type Dirent,
  type EncodingOptions,
  type FwalkEntry,
  type FwalkIterator,
  type FwalkOptions,
  type FwalkStats,
  type FwalkStatsEntry,
  type DiskUsage,
  type DiskUsageOptions,
  type LargestDirectory,
  type TreeSize,
  type StatAllOptions,
  type LstatOptions,
  type MkdirOptions,
  type NameEncoding,
  type OpenFile,
  type OpenOptions,
  type PathLike,
  type ReaddirOptions,
  type ReadFileOptions,
  type RmOptions,
  type RootFwalkOptions,
  type RootOpenOptions,
  type RootOptions,
  type RootRenameOptions,
  type RootStatOptions,
  type RootStatSyncOptions,
  type StatOptions,
  type StatvfsOptions,
  type StatvfsResult,
  type SystemError,
  UTIME_NOW,
  UTIME_OMIT,
  utime,
  type RmtreeOptions,
  rmtree,
  type WriteFileOptions,
} from 'fdkit'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles if `value` is of type `Expected`, no wider and no narrower. */
function is<Expected>() {
  return <Actual>(_value: Actual & (Same<Actual, Expected> extends true ? unknown : never)) => {}
}

declare const anyPath: PathLike
declare const bytes: Uint8Array
declare const url: URL
declare const isBig: boolean

// fwalk: strings in, strings out
for (const entry of fwalk()) is<FwalkEntry>()(entry)
for (const [dirpath, dirnames, filenames, dirfd] of fwalk('src', { topdown: false })) {
  is<string>()(dirpath)
  is<string[]>()(dirnames)
  is<string[]>()(filenames)
  is<number>()(dirfd)
}
is<FwalkIterator<string>>()(fwalk(url))

// … and bytes in, Buffers out
for (const [dirpath, dirnames, filenames, dirfd] of fwalk(bytes)) {
  is<Buffer>()(dirpath)
  is<Buffer[]>()(dirnames)
  is<Buffer[]>()(filenames)
  is<number>()(dirfd)
}
is<FwalkIterator<Buffer>>()(fwalk(Buffer.from('src'), { maxOpen: 4 }))
fwalk('.', { onerror: (error) => is<string>()(error.path) })
fwalk(bytes, { onerror: (error) => is<Buffer>()(error.path) })
fwalk('.', { onerror: (error) => is<string>()(error.code) })
fwalk('.', { onerror: (error) => is<SystemError<string>>()(error) })
fwalk(bytes, { onerror: (error) => is<SystemError<Buffer>>()(error) })
// Handlers for any SystemError, and for errors of node:fs, are accepted too.
declare const report: (error: SystemError) => void
declare const reportNode: (error: NodeJS.ErrnoException) => void
fwalk('.', { onerror: report })
fwalk(bytes, { onerror: report })
fwalk('.', { onerror: reportNode })

const walkOptions: FwalkOptions = {
  topdown: true,
  onerror: undefined,
  followSymlinks: true,
  dirFd: 3,
  maxOpen: 8,
  exact: false,
  threads: 2,
}
const walk = fwalk('.', walkOptions)
is<IteratorReturnResult<undefined>>()(walk.return())
is<IteratorResult<FwalkEntry, undefined>>()(walk.next())
is<void>()(walk[Symbol.dispose]())
is<FwalkIterator>()(walk[Symbol.iterator]())
is<FwalkEntry[]>()([...walk])

// With stats, a fifth element has the status of each entry.
for (const [dirpath, , filenames, dirfd, stats] of fwalk('.', { stats: true })) {
  is<string>()(dirpath)
  is<number>()(dirfd)
  is<FwalkStats>()(stats)
  for (const name of filenames) is<fs.Stats | undefined>()(stats.get(name))
}
for (const [, dirnames, , , stats] of fwalk(bytes, { stats: true, bigint: true, threads: 0 })) {
  for (const name of dirnames) is<fs.BigIntStats | undefined>()(stats.get(name))
  // @ts-expect-error: names are Buffers
  stats.get('name')
}
is<FwalkIterator<string, FwalkStatsEntry>>()(fwalk(url, { stats: true, bigint: false }))
is<FwalkIterator>()(fwalk('.', { stats: false }))
// @ts-expect-error: there is no fifth element
for (const [, , , , stats] of fwalk('.', { bigint: true })) void stats

// statAll: a status or an error for each name
for (const found of statAll(['a', bytes], { dirFd: 3 })) {
  if (found instanceof Error) is<string>()(found.code)
  else is<fs.Stats>()(found)
}
is<(fs.BigIntStats | SystemError)[]>()(statAll([], { bigint: true }))
is<(fs.Stats | fs.BigIntStats | SystemError)[]>()(statAll([], { bigint: isBig }))
const statAllOptions: StatAllOptions = { followSymlinks: false }
statAll(['a'] as const, statAllOptions)
// @ts-expect-error: one name is not a list
statAll('a')

// diskUsage
is<DiskUsage>()(diskUsage(url, { oneFileSystem: true, threads: 2, dirFd: 3 }))
diskUsage('.', { onerror: (error) => is<SystemError<string>>()(error) })
diskUsage(bytes, { onerror: (error) => is<SystemError<Buffer>>()(error) })
is<LargestDirectory[]>()(diskUsage('.', { largest: 3 }).largest)
is<DiskUsage<Buffer>>()(diskUsage(bytes, { largest: 3 }))
for (const { path } of diskUsage(bytes, { largest: 3 }).largest) is<Buffer>()(path)
diskUsage('.', { onprogress: (size, path) => void [is<TreeSize>()(size), is<string>()(path)] })
diskUsage(bytes, { onprogress: (_, path) => is<Buffer>()(path) })
diskUsage(anyPath, { onerror: (error) => is<SystemError<string | Buffer>>()(error) })
const usageOptions: DiskUsageOptions = { onerror: report }
is<number>()(diskUsage('.', usageOptions).allocated)
// @ts-expect-error: only the promise version takes a signal
diskUsage('.', { signal: AbortSignal.timeout(1) })

// A program can be generic over both kinds of names.
function sum<Name extends string | Buffer>(entries: Iterable<FwalkEntry<Name>>): number {
  let total = 0
  for (const [, , filenames, dirFd] of entries) {
    for (const name of filenames) total += stat(name, { dirFd, followSymlinks: false }).size
  }
  return total
}
is<number>()(sum(fwalk('.')) + sum(fwalk(bytes)))

// @ts-expect-error: a number is not a path
fwalk(1)
// @ts-expect-error: null is not a path
fwalk(null)
// @ts-expect-error: a misspelt option
fwalk('.', { topDown: true })
// @ts-expect-error: an option of the wrong type
fwalk('.', { followSymlinks: 1 })
// @ts-expect-error: errors of a walk by a string have no Buffers
fwalk('.', { onerror: (error: { path: Buffer }) => void error })
// @ts-expect-error: names are strings or Buffers
type NoEntry = FwalkEntry<number>
for (const entry of fwalk('.')) {
  // @ts-expect-error: an entry has four elements
  void entry[4]
  // @ts-expect-error: names of the other kind cannot be added
  entry[1].push(Buffer.from('name'))
}

// stat: the kind of Stats depends on bigint
is<fs.Stats>()(stat('.'))
is<fs.Stats>()(stat(0, {}))
is<fs.Stats>()(stat(anyPath, { dirFd: 3, followSymlinks: false }))
is<fs.Stats>()(lstat(url, { bigint: false }))
is<fs.BigIntStats>()(stat('.', { bigint: true }))
is<fs.BigIntStats>()(lstat(bytes, { bigint: true, dirFd: 3 }))
is<fs.Stats | fs.BigIntStats>()(stat('.', { bigint: isBig }))
is<fs.Stats | fs.BigIntStats>()(lstat('.', { bigint: isBig }))
const statOptions: StatOptions = { bigint: true, followSymlinks: true }
const lstatOptions: LstatOptions = statOptions
// @ts-expect-error: lstat never follows links
lstat('.', { followSymlinks: true })
// @ts-expect-error: lstat takes no descriptor
lstat(0)
// @ts-expect-error: a number, not a bigint
is<bigint>()(stat('.', lstatOptions).size)

// statvfs: the fields are bigints if bigint is true
is<StatvfsResult>()(statvfs('.'))
is<StatvfsResult<number>>()(statvfs(0, { dirFd: undefined, bigint: false }))
is<StatvfsResult<bigint>>()(statvfs(anyPath, { bigint: true, dirFd: 3 }))
is<StatvfsResult | StatvfsResult<bigint>>()(statvfs('.', { bigint: isBig }))
const statvfsOptions: StatvfsOptions = { bigint: true }
is<number>()(statvfs('.').f_bavail)
is<bigint>()(statvfs('.', { bigint: true }).f_fsid)
// @ts-expect-error: a number, or a bigint, depending on the options
is<bigint>()(statvfs('.', statvfsOptions).f_flag)
// @ts-expect-error: links are always followed
statvfs('.', { followSymlinks: false })
// @ts-expect-error: the fields are numbers or bigints
type NoResult = StatvfsResult<string>

// rmtree: the type of the error's path depends on the path, as for fwalk
rmtree('build', { onerror: (error) => is<SystemError<string>>()(error) })
rmtree(bytes, { onerror: (error) => is<SystemError<Buffer>>()(error) })
rmtree(anyPath, { onerror: (error) => is<SystemError<string | Buffer>>()(error) })
rmtree('build', { onerror: report, ignoreErrors: false })
const rmtreeOptions: RmtreeOptions = { onerror: reportNode }
rmtree(url, rmtreeOptions)
// @ts-expect-error: errors of a deletion by a string have no Buffers
rmtree('build', { onerror: (error: SystemError<Buffer>) => void error })

declare const failure: SystemError
is<number>()(failure.errno)
is<string>()(failure.code)
is<string>()(failure.syscall)
is<string | Uint8Array | undefined>()(failure.path)

// utime: only the two symbols are accepted
utime('file', { times: [UTIME_NOW, UTIME_OMIT] })
utime('file', { times: [new Date(), 1.5] })
utime(3, { ns: [UTIME_OMIT, 1n] })
// @ts-expect-error: another symbol
utime('file', { times: [Symbol.iterator, UTIME_NOW] })
// @ts-expect-error: nanoseconds are bigints
utime('file', { ns: [1, 2] })
// @ts-expect-error: the symbols have different types
const omit: typeof UTIME_OMIT = UTIME_NOW

// listdir: the kind of names depends on the path
is<string[]>()(listdir())
is<string[]>()(listdir(3))
is<string[]>()(listdir(url, { dirFd: 3 }))
is<Buffer[]>()(listdir(bytes))
is<string[] | Buffer[]>()(listdir(anyPath))
// @ts-expect-error: the kind of names is not known
is<string[]>()(listdir(anyPath))

// descriptors: numbers, or objects with an fd
declare const handle: import('node:fs/promises').FileHandle
is<fs.Stats>()(stat('file', { dirFd: handle }))
is<fs.Stats>()(stat(handle))
is<string[]>()(listdir(handle))
is<number>()(dup({ fd: 3 }))
is<FwalkIterator>()(fwalk('.', { dirFd: handle }))
// @ts-expect-error: an fd is a number
stat('file', { dirFd: { fd: '3' } })
// @ts-expect-error: a Memfd takes over only numbers
fdkit.Memfd.from(handle)

// access throws, and the other two return a boolean
is<void>()(fdkit.access('file', fdkit.R_OK, { dirFd: handle, effectiveIds: true }))
is<boolean>()(fdkit.canAccess('file', fdkit.R_OK, { followSymlinks: false }))
is<boolean>()(fdkit.exists('file', { dirFd: 3 }))
// @ts-expect-error: access has no such option
fdkit.exists('file', { effectiveIds: true })
// @ts-expect-error: the options are the third argument
fdkit.access('file', { dirFd: 3 })

fdkit.utime('file', { times: [fdkit.UTIME_NOW, new Date()] })
fdkit.utime('file', { ns: [fdkit.UTIME_OMIT, 1n] })
// @ts-expect-error: only these two symbols are times
fdkit.utime('file', { times: [Symbol.iterator, 1] })

const openOptions: OpenOptions = { dirFd: 3, mode: 0o600 }
const dirFdOptions: DirFdOptions = openOptions
is<number>()(open(anyPath, 'wx', openOptions))
is<number>()(open('file', 0, { mode: '600', dirFd: undefined }))
is<void>()(unlink(anyPath, dirFdOptions))
is<void>()(rmdir(anyPath, { dirFd: 3 }))
// @ts-expect-error: removal has no mode
unlink('file', { mode: 0o600 })
// @ts-expect-error: a descriptor is a number
rmdir('dir', { dirFd: '3' })
// @ts-expect-error: the path is required
open()

is<number>()(memfdCreate('name'))
is<number>()(memfdCreate(bytes, MFD_CLOEXEC | MFD_ALLOW_SEALING))
is<void>()(addSeals(3, F_SEAL_WRITE))
is<number>()(getSeals(3))
is<number>()(dup(3))
is<boolean>()(getInheritable(3))
is<void>()(setInheritable(3, true))
// @ts-expect-error: the name is required
memfdCreate()
// @ts-expect-error: a name cannot be a URL
memfdCreate(url)
// @ts-expect-error: flags are numbers
memfdCreate('name', ['MFD_CLOEXEC'])
// @ts-expect-error: both arguments are required
setInheritable(3)

// Roots, whose methods have the signatures of node:fs.
const rootOptions: RootOptions = { symlinks: 'refuse', crossDevice: false }
const root = openRoot(anyPath, rootOptions)
is<Root>()(root)
openRoot(3)
openRoot({ fd: 3 })
is<number>()(root.fd)
is<void>()(root.close())
is<Root>()(root.openRoot(bytes))
is<number>()(root.open(url))
const rootOpenOptions: RootOpenOptions = { mode: '600' }
root.open('file', 'r+', 0o600)
root.open('file', fdkit.RESOLVE_BENEATH, rootOpenOptions)
const openedFile: OpenFile = root.openFile('file', 'wx', rootOpenOptions)
is<number>()(openedFile.fd)
is<void>()(openedFile.close())
is<Buffer>()(root.readFile('file'))
is<Buffer>()(root.readFile('file', null))
is<Buffer>()(root.readFile('file', { flag: 'r' }))
is<string>()(root.readFile('file', 'latin1'))
is<string>()(root.readFile('file', { encoding: 'utf8' }))
declare const readFileOptions: ReadFileOptions
declare const nameEncoding: NameEncoding
is<string | Buffer>()(root.readFile('file', readFileOptions))
is<string | Buffer>()(root.readFile('file', nameEncoding))
const appendFileOptions: AppendFileOptions = { encoding: 'hex', mode: 0o600, flag: 'a', flush: true }
const writeFileOptions: WriteFileOptions = { ...appendFileOptions, flag: 'w', atomic: true }
is<void>()(root.writeFile('file', 'text', writeFileOptions))
root.writeFile('file', bytes, 'utf8')
root.writeFile('file', new DataView(bytes.buffer))
root.writeFile('file', new ArrayBuffer(1), null)
is<void>()(root.appendFile('file', 'text', appendFileOptions))
is<fs.Stats>()(root.stat('file'))
is<fs.BigIntStats>()(root.lstat('file', { bigint: true }))
is<fs.Stats | undefined>()(root.stat('file', { throwIfNoEntry: false }))
is<fs.BigIntStats | undefined>()(root.lstat('file', { bigint: true, throwIfNoEntry: false }))
declare const rootStatOptions: RootStatSyncOptions
is<fs.Stats | fs.BigIntStats | undefined>()(root.stat('file', rootStatOptions))
declare const rootStatLater: RootStatOptions
root.stat('file', rootStatLater)
is<void>()(root.access('file', fdkit.R_OK))
is<boolean>()(root.exists('file'))
is<string[]>()(root.readdir('directory'))
is<string[]>()(root.readdir('directory', { recursive: true }))
is<Buffer[]>()(root.readdir('directory', 'buffer'))
is<Dirent[]>()(root.readdir('directory', { withFileTypes: true }))
is<Dirent<Buffer>[]>()(root.readdir('directory', { withFileTypes: true, encoding: 'buffer' }))
declare const readdirOptions: ReaddirOptions
is<string[] | Buffer[] | Dirent[] | Dirent<Buffer>[]>()(root.readdir('directory', readdirOptions))
declare const dirent: Dirent
is<string>()(dirent.name)
is<string>()(dirent.parentPath)
is<boolean>()(dirent.isSymbolicLink())
const takesDirent = (entry: fs.Dirent) => entry.isDirectory()
takesDirent(dirent)
is<void>()(root.mkdir('directory'))
is<void>()(root.mkdir('directory', 0o700))
is<string | undefined>()(root.mkdir('a/b', { recursive: true }))
declare const mkdirOptions: MkdirOptions
is<string | undefined>()(root.mkdir('a/b', mkdirOptions))
declare const encodingOptions: EncodingOptions
is<string>()(root.mkdtemp('prefix-'))
is<Buffer>()(root.mkdtemp('prefix-', 'buffer'))
is<string>()(root.readlink('link', 'utf8'))
is<Buffer>()(root.readlink('link', { encoding: 'buffer' }))
is<string>()(root.realpath('file'))
is<string | Buffer>()(root.realpath('file', nameEncoding))
is<string | Buffer>()(root.readlink('link', encodingOptions))
is<string | Buffer>()(root.mkdtemp('prefix-', encodingOptions))
const rmOptions: RmOptions = { recursive: true, force: true }
is<void>()(root.rm('directory', rmOptions))
is<void>()(root.unlink('file'))
is<void>()(root.rmdir('directory'))
const renameOptions: RootRenameOptions = { noReplace: true, exchange: false }
is<void>()(root.rename('file', 'new', renameOptions))
is<void>()(root.link('file', 'new'))
is<void>()(root.symlink('target', 'new'))
is<void>()(root.chmod('file', 'u+x'))
is<void>()(root.chown('file', 1000, 1000))
is<void>()(root.utimes('file', new Date(), '5'))
is<void>()(root.truncate('file', 5))
const rootFwalkOptions: RootFwalkOptions = {
  topdown: false,
  onerror() {},
  maxOpen: 4,
  threads: 0,
  exact: true,
}
is<FwalkIterator<string>>()(root.fwalk())
is<FwalkIterator<string>>()(root.fwalk('directory', rootFwalkOptions))
is<FwalkIterator<Buffer>>()(root.fwalk(bytes))
// A Root can be used as `dirFd`.
open('file', 'r', { dirFd: root })
// @ts-expect-error: a Root is opened by openRoot
void new Root()
// @ts-expect-error: there is no such treatment
openRoot('directory', { symlinks: 'follow' })
// @ts-expect-error: a signal needs fdkit/promises
root.fwalk('directory', { signal: AbortSignal.timeout(1) })
// @ts-expect-error: appending cannot be atomic
root.appendFile('file', 'text', { atomic: true })
// @ts-expect-error: a path cannot be a descriptor
root.readFile(3)
// @ts-expect-error: data cannot be a number
root.writeFile('file', 5)
// @ts-expect-error: the descriptor is read-only
root.fd = 3
// @ts-expect-error: recursive is not for unlink
root.unlink('file', { recursive: true })

const hook: AuditHook = (event, args) => {
  is<keyof AuditEvents>()(event)
  if (event === 'os.remove') {
    is<PathLike>()(args[0])
    is<number>()(args[1])
    // @ts-expect-error: the event has two arguments
    void args[2]
  }
  if (event === 'open') is<readonly [path: PathLike, mode: undefined, flags: number]>()(args)
  // @ts-expect-error: there is no such event
  if (event === 'os.unlink') return
}
const anyHook: AuditHook = (event: string, args: readonly unknown[]) => void [event, args]
void anyHook
addAuditHook((event) => is<keyof AuditEvents>()(event))
addAuditHook(() => {})
is<void>()(addAuditHook(hook))
// @ts-expect-error: hooks cannot change the arguments
addAuditHook((_event, args) => args.push(1))
// @ts-expect-error: there is no such function
void fdkit.removeAuditHook
// @ts-expect-error: constants are read-only
fdkit.MFD_CLOEXEC = 2
