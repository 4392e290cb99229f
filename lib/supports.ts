// Which functions take `dirFd`, a descriptor for the path, or `followSymlinks` on this platform.
import { access, canAccess, exists } from './files/access.js'
import { chmod, chown } from './files/attributes.js'
import { link, readlink, symlink } from './files/links.js'
import { mkdir, mkfifo, mknod } from './files/make.js'
import { rmdir, unlink } from './files/remove.js'
import { rename, replace } from './files/rename.js'
import { utime } from './files/times.js'
import { fwalk } from './tree/fwalk.js'
import { listdir } from './files/listing.js'
import { isAvailable } from './runtime/native.js'
import { open } from './files/open.js'
import { rmtree } from './tree/rmtree.js'
import { scandir } from './files/scandir.js'
import { statAll } from './files/stat-all.js'
import { diskUsage } from './tree/disk-usage.js'
import { lstat, stat } from './files/stat.js'
import { statvfs } from './files/statvfs.js'

// oxlint-disable-next-line typescript/no-explicit-any -- any function
type AnyFunction = (...args: any[]) => unknown

const here = (...functions: AnyFunction[]): ReadonlySet<AnyFunction> => new Set(isAvailable ? functions : [])

/**
 * Contains the functions that take `dirFd` (or `srcDirFd` and `dstDirFd`) on this platform.
 *
 * @see https://docs.python.org/3/library/os.html#os.supports_dir_fd
 * @example
 * ```ts
 * import { stat, supportsDirFd } from 'fdkit'
 *
 * supportsDirFd.has(stat) // true
 * ```
 */
// prettier-ignore
export const supportsDirFd: ReadonlySet<AnyFunction> = here(
  access, canAccess, chmod, chown, diskUsage, exists, fwalk, link, listdir, lstat, mkdir, mkfifo, mknod, open, readlink,
  rename, replace, rmdir, rmtree, scandir, stat, statAll, statvfs, symlink, unlink, utime,
)

/**
 * Contains the functions that take a descriptor in place of the path on this platform.
 *
 * @see https://docs.python.org/3/library/os.html#os.supports_fd
 * @example
 * ```ts
 * import { listdir, supportsFd, unlink } from 'fdkit'
 *
 * supportsFd.has(listdir) // true
 * supportsFd.has(unlink) // false
 * ```
 */
export const supportsFd: ReadonlySet<AnyFunction> = here(chmod, chown, listdir, scandir, stat, statvfs, utime)

/**
 * Contains the functions that take `followSymlinks` on this platform. `chmod` takes it on Linux 6.6
 * and later, and on macOS.
 *
 * @see https://docs.python.org/3/library/os.html#os.supports_follow_symlinks
 * @example
 * ```ts
 * import { supportsFollowSymlinks, utime } from 'fdkit'
 *
 * supportsFollowSymlinks.has(utime) // true
 * ```
 */
export const supportsFollowSymlinks: ReadonlySet<AnyFunction> = here(
  access,
  canAccess,
  chmod,
  chown,
  exists,
  fwalk,
  link,
  stat,
  statAll,
  utime,
)
