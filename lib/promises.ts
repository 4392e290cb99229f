// The functions of the package, off the main thread.
import type { Buffer } from 'node:buffer'
import type * as fs from 'node:fs'

import * as at from './files/names.js'
import * as attr from './files/attributes.js'
import { later, laterFd } from './runtime/call.js'
import { listdirPromise } from './files/listing.js'
import { memfdCreateCall } from './memory/memfd.js'
import { openCall, type OpenOptions } from './files/open.js'
import { handOut } from './files/tracking.js'
import { rmtreePromise, type AsyncRmtreeOptions } from './tree/rmtree.js'
import { scandirPromise, type AsyncDirEntry } from './files/scandir.js'
import { lstatPromise, statPromise, type LstatOptions, type StatOptions } from './files/stat.js'
import type { DirFdOptions, FdLike, FollowOptions, PathLike } from './runtime/validate.js'

/** As `open` of `fdkit`. The caller owns the descriptor. */
export async function open(
  path: PathLike,
  flags: number | string = 'r',
  options?: OpenOptions,
): Promise<number> {
  return handOut(await laterFd(openCall(path, flags, options)))
}

/** As `stat` of `fdkit`. */
export async function stat(path: PathLike | FdLike, options: StatOptions & { bigint: true }): Promise<fs.BigIntStats>
export async function stat(path: PathLike | FdLike, options?: StatOptions & { bigint?: false | undefined }): Promise<fs.Stats>
export async function stat(path: PathLike | FdLike, options?: StatOptions): Promise<fs.Stats | fs.BigIntStats>
export async function stat(path: PathLike | FdLike, options?: StatOptions): Promise<fs.Stats | fs.BigIntStats> {
  return statPromise(path, options)
}

/** As `lstat` of `fdkit`. */
export async function lstat(path: PathLike, options: LstatOptions & { bigint: true }): Promise<fs.BigIntStats>
export async function lstat(path: PathLike, options?: LstatOptions & { bigint?: false | undefined }): Promise<fs.Stats>
export async function lstat(path: PathLike, options?: LstatOptions): Promise<fs.Stats | fs.BigIntStats>
export async function lstat(path: PathLike, options?: LstatOptions): Promise<fs.Stats | fs.BigIntStats> {
  return lstatPromise(path, options)
}

/** As `access` of `fdkit`. */
export async function access(
  path: PathLike,
  mode?: number,
  options?: attr.AccessOptions,
): Promise<void> {
  await later(attr.accessCall(path, mode, options))
}

/** As `canAccess` of `fdkit`. */
export async function canAccess(
  path: PathLike,
  mode?: number,
  options?: attr.AccessOptions,
): Promise<boolean> {
  return later(attr.canAccessCall(path, mode, options))
}

/** As `exists` of `fdkit`. */
export async function exists(path: PathLike, options?: FollowOptions): Promise<boolean> {
  return later(attr.existsCall(path, options))
}

/** As `chmod` of `fdkit`. */
export async function chmod(
  path: PathLike | FdLike,
  mode: number | string,
  options?: FollowOptions,
): Promise<void> {
  await later(attr.chmodCall(path, mode, options))
}

/** As `chown` of `fdkit`. */
export async function chown(
  path: PathLike | FdLike,
  uid: number,
  gid: number,
  options?: FollowOptions,
): Promise<void> {
  await later(attr.chownCall(path, uid, gid, options))
}

/** As `utime` of `fdkit`. */
export async function utime(path: PathLike | FdLike, options?: attr.UtimeOptions): Promise<void> {
  await later(attr.utimeCall(path, options))
}

/** As `mkdir` of `fdkit`. */
export async function mkdir(
  path: PathLike,
  mode?: number | string,
  options?: DirFdOptions,
): Promise<void> {
  await later(at.mkdirCall(path, mode, options))
}

/** As `mkfifo` of `fdkit`. */
export async function mkfifo(
  path: PathLike,
  mode?: number | string,
  options?: DirFdOptions,
): Promise<void> {
  await later(at.mkfifoCall(path, mode, options))
}

/** As `mknod` of `fdkit`. */
export async function mknod(
  path: PathLike,
  mode?: number,
  device?: number,
  options?: DirFdOptions,
): Promise<void> {
  await later(at.mknodCall(path, mode, device, options))
}

/** As `link` of `fdkit`. */
export async function link(
  src: PathLike,
  dst: PathLike,
  options?: at.LinkOptions,
): Promise<void> {
  await later(at.linkCall(src, dst, options))
}

/** As `rename` of `fdkit`. */
export async function rename(
  src: PathLike,
  dst: PathLike,
  options?: at.RenameOptions,
): Promise<void> {
  await later(at.renameCall(src, dst, options))
}

/** As `replace` of `fdkit`. */
export async function replace(
  src: PathLike,
  dst: PathLike,
  options?: at.TwoDirFdOptions,
): Promise<void> {
  await later(at.replaceCall(src, dst, options))
}

/** As `symlink` of `fdkit`. */
export async function symlink(
  target: PathLike,
  path: PathLike,
  options?: DirFdOptions,
): Promise<void> {
  await later(at.symlinkCall(target, path, options))
}

/** As `readlink` of `fdkit`. */
export async function readlink(path: string | URL, options?: DirFdOptions): Promise<string>
export async function readlink(path: Uint8Array, options?: DirFdOptions): Promise<Buffer>
export async function readlink(path: PathLike, options?: DirFdOptions): Promise<string | Buffer>
export async function readlink(path: PathLike, options?: DirFdOptions): Promise<string | Buffer> {
  return later(at.readlinkCall(path, options))
}

/** As `unlink` of `fdkit`. */
export async function unlink(path: PathLike, options?: DirFdOptions): Promise<void> {
  await later(at.unlinkCall(path, options))
}

/** As `rmdir` of `fdkit`. */
export async function rmdir(path: PathLike, options?: DirFdOptions): Promise<void> {
  await later(at.rmdirCall(path, options))
}

/** As `listdir` of `fdkit`. */
export async function listdir(path?: string | URL | FdLike, options?: DirFdOptions): Promise<string[]>
export async function listdir(path: Uint8Array, options?: DirFdOptions): Promise<Buffer[]>
export async function listdir(path?: PathLike | FdLike, options?: DirFdOptions): Promise<string[] | Buffer[]>
export async function listdir(path?: PathLike | FdLike, options?: DirFdOptions): Promise<unknown[]> {
  return listdirPromise(path, options)
}

/**
 * As `scandir` of `fdkit`, but that all entries come at once, and what links point to is found
 * out with them: only their `stat` makes a further system call, and answers with a promise.
 */
export async function scandir(path?: string | URL | FdLike, options?: DirFdOptions): Promise<AsyncDirEntry[]>
export async function scandir(path: Uint8Array, options?: DirFdOptions): Promise<AsyncDirEntry<Buffer>[]>
export async function scandir(
  path?: PathLike | FdLike,
  options?: DirFdOptions,
): Promise<AsyncDirEntry[] | AsyncDirEntry<Buffer>[]> {
  return (await scandirPromise(path, options)) as AsyncDirEntry[]
}

/** As `memfdCreate` of `fdkit`. The caller owns the descriptor. */
export async function memfdCreate(name: string | Uint8Array, flags?: number): Promise<number> {
  return handOut(await laterFd(memfdCreateCall(name, flags)))
}

/**
 * As `rmtree` of `fdkit`, off the main thread.
 *
 * @throws as `rmtree` of `fdkit`, and `AbortError`
 * @example
 * ```ts
 * import { rmtree } from 'fdkit/promises'
 *
 * await rmtree('build', { signal: AbortSignal.timeout(10_000) })
 * ```
 */
export async function rmtree(path: PathLike, options?: AsyncRmtreeOptions): Promise<void> {
  return rmtreePromise(path, options)
}
