// The functions of the package off the main thread. The build replaces `{@inheritDoc NAME}` in
// promises.d.ts with the documentation of that function in index.d.ts.
import type { Buffer } from 'node:buffer'
import type * as fs from 'node:fs'

import * as at from './files/names.js'
import * as attr from './files/attributes.js'
import type { SystemError } from './runtime/error.js'
import { later, laterFd } from './runtime/call.js'
import type { Contents } from './memory/contents.js'
import { recvFdsPromise, sendFdsPromise, type FdsOptions, type ReceivedFds } from './ipc/message.js'
import { pidfdGetfdPromise, pidfdOpenPromise } from './ipc/pidfd.js'
import { listdirPromise } from './files/listing.js'
import { memfdCreateCall } from './memory/memfd.js'
import { openCall, type OpenOptions } from './files/open.js'
import { handOut } from './files/tracking.js'
import { diskUsagePromise, type AsyncDiskUsageOptions, type DiskUsage } from './tree/disk-usage.js'
import { rmtreePromise, type AsyncRmtreeOptions } from './tree/rmtree.js'
import { scandirPromise, type AsyncDirEntry } from './files/scandir.js'
import { statAllPromise, type StatAllOptions } from './files/stat-all.js'
import { lstatPromise, statPromise, type LstatOptions, type StatOptions } from './files/stat.js'
import { statvfsPromise, type StatvfsOptions, type StatvfsResult } from './files/statvfs.js'
import type { DirFdOptions, FdLike, FollowOptions, PathLike } from './runtime/validate.js'

/** {@inheritDoc open} */
export async function open(
  path: PathLike,
  flags: number | string = 'r',
  options?: OpenOptions,
): Promise<number> {
  return handOut(await laterFd(openCall(path, flags, options)))
}

/** {@inheritDoc stat} */
export async function stat(
  path: PathLike | FdLike,
  options: StatOptions & { bigint: true },
): Promise<fs.BigIntStats>
export async function stat(
  path: PathLike | FdLike,
  options?: StatOptions & { bigint?: false | undefined },
): Promise<fs.Stats>
export async function stat(path: PathLike | FdLike, options?: StatOptions): Promise<fs.Stats | fs.BigIntStats>
export async function stat(
  path: PathLike | FdLike,
  options?: StatOptions,
): Promise<fs.Stats | fs.BigIntStats> {
  return statPromise(path, options)
}

/** {@inheritDoc lstat} */
export async function lstat(path: PathLike, options: LstatOptions & { bigint: true }): Promise<fs.BigIntStats>
export async function lstat(
  path: PathLike,
  options?: LstatOptions & { bigint?: false | undefined },
): Promise<fs.Stats>
export async function lstat(path: PathLike, options?: LstatOptions): Promise<fs.Stats | fs.BigIntStats>
export async function lstat(path: PathLike, options?: LstatOptions): Promise<fs.Stats | fs.BigIntStats> {
  return lstatPromise(path, options)
}

/** {@inheritDoc statAll} */
export async function statAll(
  names: readonly (string | Uint8Array)[],
  options: StatAllOptions & { bigint: true },
): Promise<(fs.BigIntStats | SystemError)[]>
export async function statAll(
  names: readonly (string | Uint8Array)[],
  options?: StatAllOptions & { bigint?: false | undefined },
): Promise<(fs.Stats | SystemError)[]>
export async function statAll(
  names: readonly (string | Uint8Array)[],
  options?: StatAllOptions,
): Promise<(fs.Stats | fs.BigIntStats | SystemError)[]>
export async function statAll(
  names: readonly (string | Uint8Array)[],
  options?: StatAllOptions,
): Promise<(fs.Stats | fs.BigIntStats | SystemError)[]> {
  return statAllPromise(names, options)
}

/** {@inheritDoc statvfs} */
export async function statvfs(
  path: PathLike | FdLike,
  options: StatvfsOptions & { bigint: true },
): Promise<StatvfsResult<bigint>>
export async function statvfs(
  path: PathLike | FdLike,
  options?: StatvfsOptions & { bigint?: false | undefined },
): Promise<StatvfsResult>
export async function statvfs(
  path: PathLike | FdLike,
  options?: StatvfsOptions,
): Promise<StatvfsResult | StatvfsResult<bigint>>
export async function statvfs(
  path: PathLike | FdLike,
  options?: StatvfsOptions,
): Promise<StatvfsResult | StatvfsResult<bigint>> {
  return statvfsPromise(path, options)
}

/** {@inheritDoc access} */
export async function access(path: PathLike, mode?: number, options?: attr.AccessOptions): Promise<void> {
  await later(attr.accessCall(path, mode, options))
}

/** {@inheritDoc canAccess} */
export async function canAccess(
  path: PathLike,
  mode?: number,
  options?: attr.AccessOptions,
): Promise<boolean> {
  return later(attr.canAccessCall(path, mode, options))
}

/** {@inheritDoc exists} */
export async function exists(path: PathLike, options?: FollowOptions): Promise<boolean> {
  return later(attr.existsCall(path, options))
}

/** {@inheritDoc chmod} */
export async function chmod(
  path: PathLike | FdLike,
  mode: number | string,
  options?: FollowOptions,
): Promise<void> {
  await later(attr.chmodCall(path, mode, options))
}

/** {@inheritDoc chown} */
export async function chown(
  path: PathLike | FdLike,
  uid: number,
  gid: number,
  options?: FollowOptions,
): Promise<void> {
  await later(attr.chownCall(path, uid, gid, options))
}

/** {@inheritDoc utime} */
export async function utime(path: PathLike | FdLike, options?: attr.UtimeOptions): Promise<void> {
  await later(attr.utimeCall(path, options))
}

/** {@inheritDoc mkdir} */
export async function mkdir(path: PathLike, mode?: number | string, options?: DirFdOptions): Promise<void> {
  await later(at.mkdirCall(path, mode, options))
}

/** {@inheritDoc mkfifo} */
export async function mkfifo(path: PathLike, mode?: number | string, options?: DirFdOptions): Promise<void> {
  await later(at.mkfifoCall(path, mode, options))
}

/** {@inheritDoc mknod} */
export async function mknod(
  path: PathLike,
  mode?: number,
  device?: number,
  options?: DirFdOptions,
): Promise<void> {
  await later(at.mknodCall(path, mode, device, options))
}

/** {@inheritDoc link} */
export async function link(src: PathLike, dst: PathLike, options?: at.LinkOptions): Promise<void> {
  await later(at.linkCall(src, dst, options))
}

/** {@inheritDoc rename} */
export async function rename(src: PathLike, dst: PathLike, options?: at.RenameOptions): Promise<void> {
  await later(at.renameCall(src, dst, options))
}

/** {@inheritDoc replace} */
export async function replace(src: PathLike, dst: PathLike, options?: at.TwoDirFdOptions): Promise<void> {
  await later(at.replaceCall(src, dst, options))
}

/** {@inheritDoc symlink} */
export async function symlink(target: PathLike, path: PathLike, options?: DirFdOptions): Promise<void> {
  await later(at.symlinkCall(target, path, options))
}

/** {@inheritDoc readlink} */
export async function readlink(path: string | URL, options?: DirFdOptions): Promise<string>
export async function readlink(path: Uint8Array, options?: DirFdOptions): Promise<Buffer>
export async function readlink(path: PathLike, options?: DirFdOptions): Promise<string | Buffer>
export async function readlink(path: PathLike, options?: DirFdOptions): Promise<string | Buffer> {
  return later(at.readlinkCall(path, options))
}

/** {@inheritDoc unlink} */
export async function unlink(path: PathLike, options?: DirFdOptions): Promise<void> {
  await later(at.unlinkCall(path, options))
}

/** {@inheritDoc rmdir} */
export async function rmdir(path: PathLike, options?: DirFdOptions): Promise<void> {
  await later(at.rmdirCall(path, options))
}

/** {@inheritDoc listdir} */
export async function listdir(path?: string | URL | FdLike, options?: DirFdOptions): Promise<string[]>
export async function listdir(path: Uint8Array, options?: DirFdOptions): Promise<Buffer[]>
export async function listdir(path?: PathLike | FdLike, options?: DirFdOptions): Promise<string[] | Buffer[]>
export async function listdir(path?: PathLike | FdLike, options?: DirFdOptions): Promise<unknown[]> {
  return listdirPromise(path, options)
}

/**
 * {@inheritDoc scandir}
 *
 * Resolves with an array. The targets of symbolic links are examined as part of the listing, so
 * only the `stat` method of an entry makes another system call. It returns a promise.
 *
 * @example
 * ```ts
 * import { scandir } from 'fdkit/promises'
 *
 * for (const entry of await scandir('src')) {
 *   if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
 *   console.log(entry.name, (await entry.stat()).size)
 * }
 * ```
 */
export async function scandir(path?: string | URL | FdLike, options?: DirFdOptions): Promise<AsyncDirEntry[]>
export async function scandir(path: Uint8Array, options?: DirFdOptions): Promise<AsyncDirEntry<Buffer>[]>
export async function scandir(
  path?: PathLike | FdLike,
  options?: DirFdOptions,
): Promise<AsyncDirEntry[] | AsyncDirEntry<Buffer>[]> {
  return (await scandirPromise(path, options)) as AsyncDirEntry[]
}

/** {@inheritDoc memfdCreate} */
export async function memfdCreate(name: string | Uint8Array, flags?: number): Promise<number> {
  return handOut(await laterFd(memfdCreateCall(name, flags)))
}

/** {@inheritDoc sendFds} */
export async function sendFds(
  fd: FdLike,
  data: Contents,
  fds: readonly FdLike[],
  options?: FdsOptions,
): Promise<number> {
  return sendFdsPromise(fd, data, fds, options)
}

/** {@inheritDoc recvFds} */
export async function recvFds(
  fd: FdLike,
  size: number,
  maxFds: number,
  options?: FdsOptions,
): Promise<ReceivedFds> {
  return recvFdsPromise(fd, size, maxFds, options)
}

/** {@inheritDoc pidfdOpen} */
export async function pidfdOpen(pid: number): Promise<number> {
  return pidfdOpenPromise(pid)
}

/** {@inheritDoc pidfdGetfd} */
export async function pidfdGetfd(pidfd: FdLike, fd: number): Promise<number> {
  return pidfdGetfdPromise(pidfd, fd)
}

/**
 * {@inheritDoc rmtree}
 *
 * The deletion has a thread of its own and does not occupy libuv's pool.
 *
 * @throws `AbortError`: `signal` is aborted
 * @example
 * ```ts
 * import { rmtree } from 'fdkit/promises'
 *
 * await rmtree('build', { signal: AbortSignal.timeout(10_000) })
 * ```
 */
export async function rmtree(path: Uint8Array, options?: AsyncRmtreeOptions<Buffer>): Promise<void>
export async function rmtree(path: string | URL, options?: AsyncRmtreeOptions): Promise<void>
export async function rmtree(path: PathLike, options?: AsyncRmtreeOptions<string | Buffer>): Promise<void>
export async function rmtree(
  path: PathLike,
  options?: AsyncRmtreeOptions | AsyncRmtreeOptions<Buffer> | AsyncRmtreeOptions<string | Buffer>,
): Promise<void> {
  return rmtreePromise(path, options)
}

/**
 * {@inheritDoc diskUsage}
 *
 * The count has a thread of its own and does not occupy libuv's pool.
 *
 * @throws `AbortError`: `signal` is aborted
 * @example
 * ```ts
 * import { diskUsage } from 'fdkit/promises'
 *
 * const { allocated } = await diskUsage('src', { signal: AbortSignal.timeout(10_000) })
 * allocated > 0 // true
 * ```
 */
export async function diskUsage(path: Uint8Array, options?: AsyncDiskUsageOptions<Buffer>): Promise<DiskUsage>
export async function diskUsage(path: string | URL, options?: AsyncDiskUsageOptions): Promise<DiskUsage>
export async function diskUsage(
  path: PathLike,
  options?: AsyncDiskUsageOptions<string | Buffer>,
): Promise<DiskUsage>
export async function diskUsage(
  path: PathLike,
  options?: AsyncDiskUsageOptions | AsyncDiskUsageOptions<Buffer> | AsyncDiskUsageOptions<string | Buffer>,
): Promise<DiskUsage> {
  return diskUsagePromise(path, options)
}
