// The functions of the package off the main thread.
//
// In promises.d.ts, the build declares each `promised(NAME)` like the function in index.d.ts, with its
// documentation and its overloads, but with a promise of the result. It replaces `{@inheritDoc NAME}`
// with the documentation of that function.
import type { Buffer } from 'node:buffer'

import * as fromOpen from './files/open.js'
import * as fromStat from './files/stat.js'
import * as fromStatAll from './files/stat-all.js'
import * as fromStatvfs from './files/statvfs.js'
import * as fromAccess from './files/access.js'
import * as fromAttributes from './files/attributes.js'
import * as fromTimes from './files/times.js'
import * as fromMake from './files/make.js'
import * as fromLinks from './files/links.js'
import * as fromRename from './files/rename.js'
import * as fromRemove from './files/remove.js'
import * as fromListing from './files/listing.js'
import * as fromMessage from './ipc/message.js'
import * as fromPidfd from './ipc/pidfd.js'
import { scandirPromise, type AsyncDirEntry } from './files/scandir.js'
import * as fromMemfd from './memory/memfd.js'
import { promised } from './runtime/operation.js'
import type { DirFdOptions, FdLike, PathLike } from './runtime/validate.js'
import { diskUsagePromise, type AsyncDiskUsageOptions, type DiskUsage } from './tree/disk-usage.js'
import { rmtreePromise, type AsyncRmtreeOptions } from './tree/rmtree.js'

export const open = promised(fromOpen.open)
export const stat = promised(fromStat.stat)
export const lstat = promised(fromStat.lstat)
export const statAll = promised(fromStatAll.statAll)
export const statvfs = promised(fromStatvfs.statvfs)
export const access = promised(fromAccess.access)
export const canAccess = promised(fromAccess.canAccess)
export const exists = promised(fromAccess.exists)
export const chmod = promised(fromAttributes.chmod)
export const chown = promised(fromAttributes.chown)
export const utime = promised(fromTimes.utime)
export const mkdir = promised(fromMake.mkdir)
export const mkfifo = promised(fromMake.mkfifo)
export const mknod = promised(fromMake.mknod)
export const link = promised(fromLinks.link)
export const symlink = promised(fromLinks.symlink)
export const readlink = promised(fromLinks.readlink)
export const rename = promised(fromRename.rename)
export const replace = promised(fromRename.replace)
export const unlink = promised(fromRemove.unlink)
export const rmdir = promised(fromRemove.rmdir)
export const listdir = promised(fromListing.listdir)
export const memfdCreate = promised(fromMemfd.memfdCreate)
export const sendFds = promised(fromMessage.sendFds)
export const recvFds = promised(fromMessage.recvFds)
export const pidfdOpen = promised(fromPidfd.pidfdOpen)
export const pidfdGetfd = promised(fromPidfd.pidfdGetfd)

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
export async function diskUsage(
  path: Uint8Array,
  options?: AsyncDiskUsageOptions<Buffer>,
): Promise<DiskUsage<Buffer>>
export async function diskUsage(path: string | URL, options?: AsyncDiskUsageOptions): Promise<DiskUsage>
export async function diskUsage(
  path: PathLike,
  options?: AsyncDiskUsageOptions<string | Buffer>,
): Promise<DiskUsage<string | Buffer>>
export async function diskUsage(
  path: PathLike,
  options?: AsyncDiskUsageOptions | AsyncDiskUsageOptions<Buffer> | AsyncDiskUsageOptions<string | Buffer>,
): Promise<DiskUsage<string | Buffer>> {
  return diskUsagePromise(path, options)
}
