// The status of file systems.
import { later, now, type Call } from '../runtime/call.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import {
  validateBoolean,
  validateFd,
  validateTarget,
  type DirFdOptions,
  type FdLike,
  type PathLike,
} from '../runtime/validate.js'

/** Options of {@link statvfs}. */
export interface StatvfsOptions extends DirFdOptions {
  /** Whether the numbers are bigints, which are exact; `false` by default. */
  bigint?: boolean | undefined
}

/** The result of {@link statvfs}. The names are those of Python and of statvfs(3). */
export interface StatvfsResult<T extends number | bigint = number> {
  /** The block size that suits the file system best, in bytes. */
  f_bsize: T
  /** The unit of `f_blocks`, `f_bfree` and `f_bavail`, in bytes. */
  f_frsize: T
  /** The size of the file system, in units of `f_frsize`. */
  f_blocks: T
  /** The free blocks. */
  f_bfree: T
  /** The free blocks for processes without privileges. */
  f_bavail: T
  /** The number of inodes, or 0 if the file system has no fixed number. */
  f_files: T
  /** The free inodes. */
  f_ffree: T
  /** The free inodes for processes without privileges; on Linux, always equal to `f_ffree`. */
  f_favail: T
  /** The options of the mount: `ST_RDONLY`, `ST_NOSUID` and the other `ST_*` numbers, or-ed. */
  f_flag: T
  /** The greatest length of a name, in bytes. */
  f_namemax: T
  /** The id of the file system. It has 64 bits, so only a bigint is exact; 32 bits with musl. */
  f_fsid: T
}

type AnyResult = StatvfsResult<number> | StatvfsResult<bigint>

const readStatvfs = optionsOf('statvfs', { bigint: validateBoolean, dirFd: validateFd })

function toResult(fields: unknown[]): AnyResult {
  const [bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax, fsid] = fields
  return {
    f_bsize: bsize,
    f_frsize: frsize,
    f_blocks: blocks,
    f_bfree: bfree,
    f_bavail: bavail,
    f_files: files,
    f_ffree: ffree,
    f_favail: favail,
    f_flag: flag,
    f_namemax: namemax,
    f_fsid: fsid,
  } as AnyResult
}

const runNow = (call: Call<unknown[]>): AnyResult => toResult(now(call))
const runLater = async (call: Call<unknown[]>): Promise<AnyResult> => toResult(await later(call))

/**
 * Returns the status of the file system that a file is on: its size, the free space, and the options
 * of the mount. By default, the fields are numbers, and those above 2 ** 53 lose digits; with
 * `bigint: true` they are exact.
 *
 * Symbolic links are followed. Like Python, it counts blocks in units of `f_frsize`; `fs.statfs`
 * counts in units of its `bsize`. Unlike in Python, the path may start at `dirFd`. The file is then
 * opened first, and an automount is not triggered. On macOS, the process must be allowed to read the
 * file in that case.
 *
 * @param path a path, or a descriptor
 * @throws `EBADF`: the descriptor is not open; `ERR_INVALID_ARG_VALUE`: `dirFd` was given with a
 * descriptor in place of the path; `ENOENT`, `EACCES`, `ELOOP`, `ENOTDIR`, `EIO` and the other errors
 * of statvfs(3)
 * @see https://docs.python.org/3/library/os.html#os.statvfs
 * @see https://man7.org/linux/man-pages/man3/statvfs.3.html
 * @example
 * ```ts
 * import { ST_RDONLY, statvfs } from 'fdkit'
 *
 * const { f_bavail, f_frsize, f_flag } = statvfs('.')
 * console.log(f_bavail * f_frsize, 'bytes are free')
 * Boolean(f_flag & ST_RDONLY) // false
 * ```
 */
export const statvfs = operation(
  'statvfs',
  (path: PathLike | FdLike, options?: StatvfsOptions): Call<unknown[]> => {
    const { bigint = false, dirFd } = readStatvfs(options)
    const { path: checked, fd } = validateTarget(path, dirFd)
    return {
      make: (later) => native.statvfs(later, fd, checked, bigint),
      caller: 'statvfs',
      path: checked,
      dirFd: fd,
    }
  },
  runNow,
  runLater,
) as {
  (path: PathLike | FdLike, options: StatvfsOptions & { bigint: true }): StatvfsResult<bigint>
  (path: PathLike | FdLike, options?: StatvfsOptions & { bigint?: false | undefined }): StatvfsResult
  (path: PathLike | FdLike, options?: StatvfsOptions): StatvfsResult | StatvfsResult<bigint>
}
