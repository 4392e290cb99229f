// Creating directories, FIFOs and other files relative to an open directory.
import { NO_DIR_FD, type Call } from '../runtime/call.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import {
  refuseOptions,
  validateFd,
  validateInteger,
  validatePath,
  type Caller,
  type DirFdOptions,
  type PathLike,
} from '../runtime/validate.js'
import { auditMkdir } from './audit-events.js'
import { parseMode } from './open.js'

const readMkdir = optionsOf('mkdir', { dirFd: validateFd })
const readMkfifo = optionsOf('mkfifo', { dirFd: validateFd })
const readMknod = optionsOf('mknod', { dirFd: validateFd })

function validateMode(mode: unknown, caller: Caller): number {
  refuseOptions(caller, 'mode', 'of type number', mode)
  return parseMode(mode, 'mode')
}

/**
 * Creates a directory. Its permissions are `mode` without the bits of the umask.
 *
 * @throws `EEXIST`, `ENOENT`, `ENOTDIR`, `EACCES`, `EROFS` and the other errors of mkdir(2)
 * @see https://docs.python.org/3/library/os.html#os.mkdir
 * @example
 * ```ts
 * import { constants } from 'node:fs'
 * import { listdir, mkdir, open } from 'fdkit'
 *
 * const dirFd = open('build', constants.O_DIRECTORY)
 * mkdir('output', 0o700, { dirFd })
 * listdir(dirFd).includes('output') // true
 * ```
 */
export const mkdir = operation(
  'mkdir',
  (path: PathLike, mode: number | string = 0o777, options?: DirFdOptions): Call<void> => {
    const checked = validatePath(path)
    const bits = validateMode(mode, readMkdir)
    const { dirFd } = readMkdir(options)
    auditMkdir(path, bits, dirFd ?? NO_DIR_FD)
    return {
      make: (later) => native.mkdirat(later, dirFd, checked, bits),
      caller: 'mkdir',
      path: checked,
      dirFd,
    }
  },
)

/**
 * Creates a FIFO. Its permissions are `mode` without the bits of the umask.
 *
 * @throws `EEXIST`, `ENOENT`, `EACCES` and the other errors of mkfifo(3)
 * @see https://docs.python.org/3/library/os.html#os.mkfifo
 * @example
 * ```ts
 * import { mkfifo, stat } from 'fdkit'
 *
 * mkfifo('queue')
 * stat('queue').isFIFO() // true
 * ```
 */
export const mkfifo = operation(
  'mkfifo',
  (path: PathLike, mode: number | string = 0o666, options?: DirFdOptions): Call<void> => {
    const checked = validatePath(path)
    const bits = validateMode(mode, readMkfifo)
    const { dirFd } = readMkfifo(options)
    return {
      make: (later) => native.mkfifoat(later, dirFd, checked, bits),
      caller: 'mkfifo',
      path: checked,
      dirFd,
    }
  },
)

/**
 * Creates a file of any type except a directory or a symbolic link. Its permissions are those of
 * `mode` without the bits of the umask.
 *
 * @param mode permissions, or-ed with a type: `S_IFREG` (the default), `S_IFIFO`, `S_IFCHR`,
 * `S_IFBLK` (from `fs.constants`) or `S_IFSOCK`
 * @param device the device number, for the types `S_IFCHR` and `S_IFBLK`; see makedev(3)
 * @throws `EPERM`: only root may create devices; `EEXIST`, `ENOENT`, `EINVAL` and the other errors
 * of mknod(2)
 * @see https://docs.python.org/3/library/os.html#os.mknod
 * @example
 * ```ts
 * import { constants } from 'node:fs'
 * import { mknod, stat } from 'fdkit'
 *
 * mknod('node', constants.S_IFREG | 0o600)
 * stat('node').isFile() // true
 * ```
 */
export const mknod = operation(
  'mknod',
  (path: PathLike, mode: number = 0o600, device: number = 0, options?: DirFdOptions): Call<void> => {
    const checked = validatePath(path)
    const bits = validateMode(mode, readMknod)
    refuseOptions(readMknod, 'device', 'of type number', device)
    const number = validateInteger(device, 'device', 0, Number.MAX_SAFE_INTEGER)
    const { dirFd } = readMknod(options)
    return {
      make: (later) => native.mknodat(later, dirFd, checked, bits, number),
      caller: 'mknod',
      path: checked,
      dirFd,
    }
  },
)
