// Renaming files and directories relative to open directories.
import type { Call } from '../runtime/call.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import { validateBits, validateFd, validatePath, type FdLike, type PathLike } from '../runtime/validate.js'
import { auditEnds, auditRename, type Ends } from './audit-events.js'

/** Options of the functions that take two paths. */
export interface TwoDirFdOptions {
  /** The descriptor of the directory that a relative `src` starts from. */
  srcDirFd?: FdLike | undefined
  /** The descriptor of the directory that a relative `dst` starts from. */
  dstDirFd?: FdLike | undefined
}

/** Options of {@link rename}. */
export interface RenameOptions extends TwoDirFdOptions {
  /** `RENAME_NOREPLACE` or `RENAME_EXCHANGE`; 0 by default. */
  flags?: number | undefined
}

const ends = { srcDirFd: validateFd, dstDirFd: validateFd }
const readRename = optionsOf('rename', { ...ends, flags: validateBits })
const readReplace = optionsOf('replace', ends)

function renaming(caller: string, src: PathLike, dst: PathLike, given: Ends, flags: number): Call<void> {
  const [path, dest] = [validatePath(src, 'src'), validatePath(dst, 'dst')]
  const { srcDirFd, dstDirFd } = given
  auditRename(src, dst, ...auditEnds(given))
  return {
    make: (later) => native.renameat2(later, srcDirFd, path, dstDirFd, dest, flags),
    caller,
    path,
    dest,
    dirFd: srcDirFd,
    destDirFd: dstDirFd,
  }
}

/**
 * Renames a file or a directory. By default, a file at `dst` is replaced. With `RENAME_NOREPLACE`,
 * an existing `dst` is an error. With `RENAME_EXCHANGE`, the two names are exchanged atomically.
 *
 * @throws `EXDEV`: the two paths are on different file systems; `EEXIST`: `dst` exists, with
 * `RENAME_NOREPLACE`; `EINVAL`: `dst` is below `src`, or the kernel or the file system does not
 * support the flags; `ENOENT`, `ENOTEMPTY`, `EISDIR`, `ENOTDIR` and the other errors of rename(2)
 * @see https://docs.python.org/3/library/os.html#os.rename
 * @example
 * ```ts
 * import { rename, RENAME_NOREPLACE } from 'fdkit'
 *
 * rename('config/app.json', 'config/old.json')
 * rename('config/old.json', 'config', { flags: RENAME_NOREPLACE }) // throws: EEXIST
 * ```
 */
export const rename = operation(
  'rename',
  (src: PathLike, dst: PathLike, options?: RenameOptions): Call<void> => {
    const given = readRename(options)
    return renaming('rename', src, dst, given, given.flags ?? 0)
  },
)

/**
 * Renames a file or a directory. On every platform, a file at `dst` is replaced.
 *
 * @throws the errors of {@link rename}
 * @see https://docs.python.org/3/library/os.html#os.replace
 * @example
 * ```ts
 * import { writeFileSync } from 'node:fs'
 * import { replace } from 'fdkit'
 *
 * writeFileSync('config/app.json.new', '{}')
 * replace('config/app.json.new', 'config/app.json')
 * ```
 */
export const replace = operation(
  'replace',
  (src: PathLike, dst: PathLike, options?: TwoDirFdOptions): Call<void> => {
    return renaming('replace', src, dst, readReplace(options), 0)
  },
)
