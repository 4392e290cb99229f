// Creating, renaming and removing names relative to an open directory.
import { auditEvent } from '../runtime/audit.js'
import { NO_DIR_FD, now, type Call } from '../runtime/call.js'
import { native } from '../runtime/native.js'
import { invalidArgType } from '../runtime/error.js'
import { optionsOf } from '../runtime/options.js'
import { misplaced } from '../runtime/suggest.js'
import { parseMode } from './open.js'
import {
  validateBits,
  validateBoolean,
  validateFd,
  validateInteger,
  validatePath,
  type DirFdOptions,
  type FdLike,
  type PathLike,
} from '../runtime/validate.js'

/** Options of the functions that take two paths. */
export interface TwoDirFdOptions {
  /** The descriptor of the directory that a relative `src` starts from. */
  srcDirFd?: FdLike | undefined
  /** The descriptor of the directory that a relative `dst` starts from. */
  dstDirFd?: FdLike | undefined
}

/** Options of {@link link}. */
export interface LinkOptions extends TwoDirFdOptions {
  /** Whether to link to the target if `src` is a symbolic link; `true` by default. */
  followSymlinks?: boolean | undefined
}

/** Options of {@link rename}. */
export interface RenameOptions extends TwoDirFdOptions {
  /** `RENAME_NOREPLACE` or `RENAME_EXCHANGE`; 0 by default. */
  flags?: number | undefined
}

export const auditMkdir = auditEvent('os.mkdir', 'path', 'mode', 'dirFd')
export const auditLink = auditEvent('os.link', 'src', 'dst', 'srcDirFd', 'dstDirFd')
export const auditSymlink = auditEvent('os.symlink', 'src', 'dst', 'dirFd')
export const auditRename = auditEvent('os.rename', 'src', 'dst', 'srcDirFd', 'dstDirFd')
export const auditRemove = auditEvent('os.remove', 'path', 'dirFd')
export const auditRmdir = auditEvent('os.rmdir', 'path', 'dirFd')

const readDirFd = (caller: string) => optionsOf(caller, { dirFd: validateFd })
const readMkdir = readDirFd('mkdir')
const readMkfifo = readDirFd('mkfifo')
const readMknod = readDirFd('mknod')
const readSymlink = readDirFd('symlink')
const readReadlink = readDirFd('readlink')
const readUnlink = readDirFd('unlink')
const readRmdir = readDirFd('rmdir')
const ends = { srcDirFd: validateFd, dstDirFd: validateFd }
const readLink = optionsOf('link', { ...ends, followSymlinks: validateBoolean })
const readRename = optionsOf('rename', { ...ends, flags: validateBits })
const readReplace = optionsOf('replace', ends)

/** Rejects an options object in place of a number, with an error that says where options belong. */
function refuseOptions(caller: string, name: string, value: unknown): void {
  const note = misplaced(caller, value, readMkdir.names)
  if (note !== '') throw invalidArgType(name, 'of type number', value, note)
}

function validateMode(mode: unknown, caller: string): number {
  refuseOptions(caller, 'mode', mode)
  return parseMode(mode, 'mode')
}

export function mkdirCall(
  path: PathLike,
  mode: number | string = 0o777,
  options?: DirFdOptions,
): Call<undefined> {
  const checked = validatePath(path)
  const bits = validateMode(mode, 'mkdir')
  const { dirFd } = readMkdir(options)
  auditMkdir(path, bits, dirFd ?? NO_DIR_FD)
  return {
    make: (later) => native.mkdirat(later, dirFd, checked, bits),
    caller: 'mkdir',
    path: checked,
    dirFd,
  }
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
export function mkdir(path: PathLike, mode: number | string = 0o777, options?: DirFdOptions): void {
  now(mkdirCall(path, mode, options))
}

export function mkfifoCall(
  path: PathLike,
  mode: number | string = 0o666,
  options?: DirFdOptions,
): Call<undefined> {
  const checked = validatePath(path)
  const bits = validateMode(mode, 'mkfifo')
  const { dirFd } = readMkfifo(options)
  return {
    make: (later) => native.mkfifoat(later, dirFd, checked, bits),
    caller: 'mkfifo',
    path: checked,
    dirFd,
  }
}

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
export function mkfifo(path: PathLike, mode: number | string = 0o666, options?: DirFdOptions): void {
  now(mkfifoCall(path, mode, options))
}

export function mknodCall(
  path: PathLike,
  mode: number = 0o600,
  device: number = 0,
  options?: DirFdOptions,
): Call<undefined> {
  const checked = validatePath(path)
  const bits = validateMode(mode, 'mknod')
  refuseOptions('mknod', 'device', device)
  const number = validateInteger(device, 'device', 0, Number.MAX_SAFE_INTEGER)
  const { dirFd } = readMknod(options)
  return {
    make: (later) => native.mknodat(later, dirFd, checked, bits, number),
    caller: 'mknod',
    path: checked,
    dirFd,
  }
}

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
export function mknod(
  path: PathLike,
  mode: number = 0o600,
  device: number = 0,
  options?: DirFdOptions,
): void {
  now(mknodCall(path, mode, device, options))
}

interface Ends {
  readonly srcDirFd?: number | undefined
  readonly dstDirFd?: number | undefined
}

const auditEnds = ({ srcDirFd = NO_DIR_FD, dstDirFd = NO_DIR_FD }: Ends) => [srcDirFd, dstDirFd]

export function linkCall(src: PathLike, dst: PathLike, options?: LinkOptions): Call<undefined> {
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
}

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
export function link(src: PathLike, dst: PathLike, options?: LinkOptions): void {
  now(linkCall(src, dst, options))
}

export function symlinkCall(target: PathLike, path: PathLike, options?: DirFdOptions): Call<undefined> {
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
}

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
export function symlink(target: PathLike, path: PathLike, options?: DirFdOptions): void {
  now(symlinkCall(target, path, options))
}

export function readlinkCall(path: PathLike, options?: DirFdOptions): Call<string | Buffer> {
  const checked = validatePath(path)
  const { dirFd } = readReadlink(options)
  return {
    make: (later) => native.readlinkat(later, dirFd, checked),
    caller: 'readlink',
    path: checked,
    dirFd,
  }
}

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
export function readlink(path: string | URL, options?: DirFdOptions): string
export function readlink(path: Uint8Array, options?: DirFdOptions): Buffer
export function readlink(path: PathLike, options?: DirFdOptions): string | Buffer
export function readlink(path: PathLike, options?: DirFdOptions): string | Buffer {
  return now(readlinkCall(path, options))
}

export function renameCall(src: PathLike, dst: PathLike, options?: RenameOptions): Call<undefined> {
  const given = readRename(options)
  return renaming('rename', src, dst, given, given.flags ?? 0)
}

function renaming(caller: string, src: PathLike, dst: PathLike, given: Ends, flags: number): Call<undefined> {
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
export function rename(src: PathLike, dst: PathLike, options?: RenameOptions): void {
  now(renameCall(src, dst, options))
}

export function replaceCall(src: PathLike, dst: PathLike, options?: TwoDirFdOptions): Call<undefined> {
  return renaming('replace', src, dst, readReplace(options), 0)
}

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
export function replace(src: PathLike, dst: PathLike, options?: TwoDirFdOptions): void {
  now(replaceCall(src, dst, options))
}

export function unlinkCall(path: PathLike, options?: DirFdOptions): Call<undefined> {
  const checked = validatePath(path)
  const { dirFd } = readUnlink(options)
  auditRemove(path, dirFd ?? NO_DIR_FD)
  return {
    make: (later) => native.unlinkat(later, dirFd, checked, false),
    caller: 'unlink',
    path: checked,
    dirFd,
  }
}

/**
 * Removes a name that is not a directory.
 *
 * @throws `EISDIR` (`EPERM` on macOS): the path is a directory; `EBADF`: `dirFd` is not open;
 * `ENOENT`, `EACCES`, `EBUSY` and the other errors of unlink(2)
 * @see https://docs.python.org/3/library/os.html#os.unlink
 * @example
 * ```ts
 * import { fwalk, unlink } from 'fdkit'
 *
 * const onerror = (error: Error) => { throw error }
 * for (const [, , filenames, dirFd] of fwalk('cache', { onerror })) {
 *   for (const name of filenames) if (name.endsWith('.tmp')) unlink(name, { dirFd })
 * }
 * ```
 */
export function unlink(path: PathLike, options?: DirFdOptions): void {
  now(unlinkCall(path, options))
}

export function rmdirCall(path: PathLike, options?: DirFdOptions): Call<undefined> {
  const checked = validatePath(path)
  const { dirFd } = readRmdir(options)
  auditRmdir(path, dirFd ?? NO_DIR_FD)
  return {
    make: (later) => native.unlinkat(later, dirFd, checked, true),
    caller: 'rmdir',
    path: checked,
    dirFd,
  }
}

/**
 * Removes an empty directory.
 *
 * @throws `EINVAL`: the path ends in `.`; `EBADF`: `dirFd` is not open; `ENOENT`, `ENOTDIR`,
 * `ENOTEMPTY`, `EACCES`, `EBUSY` and the other errors of rmdir(2)
 * @see https://docs.python.org/3/library/os.html#os.rmdir
 * @example
 * ```ts
 * import { fwalk, lstat, rmdir, unlink } from 'fdkit'
 *
 * // Removes everything below build, but not build itself.
 * const onerror = (error: Error) => { throw error }
 * for (const [, dirnames, filenames, dirFd] of fwalk('build', { topdown: false, onerror })) {
 *   for (const name of filenames) unlink(name, { dirFd })
 *   for (const name of dirnames) {
 *     // dirnames has links to directories, too, and rmdir refuses them.
 *     if (lstat(name, { dirFd }).isSymbolicLink()) unlink(name, { dirFd })
 *     else rmdir(name, { dirFd })
 *   }
 * }
 * ```
 */
export function rmdir(path: PathLike, options?: DirFdOptions): void {
  now(rmdirCall(path, options))
}
