// Hard and symbolic links relative to an open directory.
import { NO_DIR_FD, type Call } from '../runtime/call.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import {
  validateBoolean,
  validateFd,
  validatePath,
  type DirFdOptions,
  type PathLike,
} from '../runtime/validate.js'
import { auditEnds, auditLink, auditSymlink } from './audit-events.js'
import type { TwoDirFdOptions } from './rename.js'

/** Options of {@link link}. */
export interface LinkOptions extends TwoDirFdOptions {
  /** Whether to link to the target if `src` is a symbolic link; `true` by default. */
  followSymlinks?: boolean | undefined
}

const readLink = optionsOf('link', {
  srcDirFd: validateFd,
  dstDirFd: validateFd,
  followSymlinks: validateBoolean,
})
const readSymlink = optionsOf('symlink', { dirFd: validateFd })
const readReadlink = optionsOf('readlink', { dirFd: validateFd })

/**
 * Creates a hard link: a second name for a file.
 *
 * On Linux, CPython links to a symbolic link itself if no descriptors are given. Here,
 * `followSymlinks` always works as documented.
 *
 * @throws `EXDEV`: the two paths are on different file systems; `EPERM`: `src` is a directory;
 * `EEXIST`, `ENOENT` and the other errors of link(2)
 * @see https://docs.python.org/3/library/os.html#os.link
 * @example
 * ```ts
 * import { link, stat } from 'fdkit'
 *
 * link('config/app.json', 'config/same.json')
 * stat('config/same.json').nlink // 2
 * ```
 */
export const link = operation('link', (src: PathLike, dst: PathLike, options?: LinkOptions): Call<void> => {
  const given = readLink(options)
  const [path, dest] = [validatePath(src, 'src'), validatePath(dst, 'dst')]
  const { srcDirFd, dstDirFd, followSymlinks = true } = given
  auditLink(src, dst, ...auditEnds(given))
  return {
    make: (later) => native.linkat(later, srcDirFd, path, dstDirFd, dest, followSymlinks),
    caller: 'link',
    path,
    dest,
    dirFd: srcDirFd,
    destDirFd: dstDirFd,
  }
})

/**
 * Creates a symbolic link at `path` that points to `target`, which need not exist.
 *
 * @throws `ENOENT`: `target` is empty, or a directory in `path` does not exist; `EEXIST`, `EACCES`
 * and the other errors of symlink(2)
 * @see https://docs.python.org/3/library/os.html#os.symlink
 * @example
 * ```ts
 * import { readlink, symlink } from 'fdkit'
 *
 * symlink('app.json', 'config/default.json')
 * readlink('config/default.json') // 'app.json'
 * ```
 */
export const symlink = operation(
  'symlink',
  (target: PathLike, path: PathLike, options?: DirFdOptions): Call<void> => {
    const text = validatePath(target, 'target')
    const checked = validatePath(path)
    const { dirFd } = readSymlink(options)
    auditSymlink(target, path, dirFd ?? NO_DIR_FD)
    return {
      make: (later) => native.symlinkat(later, dirFd, checked, text),
      caller: 'symlink',
      path: text,
      dest: checked,
      destDirFd: dirFd,
    }
  },
)

/**
 * Returns the target of a symbolic link, of any length: a string, or a Buffer if the path was given
 * as bytes.
 *
 * @throws `EINVAL`: the path is not a symbolic link; `ENOENT`, `EACCES` and the other errors of
 * readlink(2)
 * @see https://docs.python.org/3/library/os.html#os.readlink
 * @example
 * ```ts
 * import { readlink } from 'fdkit'
 *
 * readlink('config') // throws: EINVAL
 * ```
 */
export const readlink = operation(
  'readlink',
  (path: PathLike, options?: DirFdOptions): Call<string | Buffer> => {
    const checked = validatePath(path)
    const { dirFd } = readReadlink(options)
    return {
      make: (later) => native.readlinkat(later, dirFd, checked),
      caller: 'readlink',
      path: checked,
      dirFd,
    }
  },
) as {
  (path: string | URL, options?: DirFdOptions): string
  (path: Uint8Array, options?: DirFdOptions): Buffer
  (path: PathLike, options?: DirFdOptions): string | Buffer
}
