// A program that uses every public type of `fdkit/promises`. See public-types.ts.
import type * as fs from 'node:fs'

import {
  UTIME_NOW,
  UTIME_OMIT,
  type FwalkEntry,
  type PathLike,
  type StatvfsResult,
  type SystemError,
} from 'fdkit'
import {
  access,
  chmod,
  chown,
  fwalk,
  link,
  listdir,
  lstat,
  memfdCreate,
  mkdir,
  mkfifo,
  mknod,
  open,
  readlink,
  rename,
  replace,
  rmdir,
  rmtree,
  scandir,
  stat,
  statvfs,
  symlink,
  unlink,
  utime,
  type AsyncDirEntry,
  type AsyncFwalkIterator,
  type AsyncFwalkOptions,
  type AsyncRmtreeOptions,
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
