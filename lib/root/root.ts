// A directory that nothing leads out of, as an object.
import type { Buffer } from 'node:buffer'
import type * as fs from 'node:fs'
import { constants } from 'node:fs'
import type { InspectOptions } from 'node:util'

import { auditOpen } from '../files/open.js'
import { closeGiven, handOut } from '../files/tracking.js'
import type { FwalkIterator } from '../tree/fwalk.js'
import type { Handle, OpenedRoot, Response, Root as NativeRoot } from '../runtime/binding.js'
import { finish as finishCall, type CallSubject } from '../runtime/call.js'
import { illegalConstructor } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { validateTarget, type FdLike, type PathLike } from '../runtime/validate.js'
import type { Contents } from '../memory/contents.js'
import * as calls from './calls.js'
import type { Dirent } from './dirent.js'
import type * as options from './options.js'
import { readRootOptions } from './options.js'
import { readdirNow, statNow } from './reading.js'
import { now, RootState } from './state.js'
import { fwalkNow, rmNow } from './tree.js'

const { O_DIRECTORY } = constants

/** An open file that is closed at the end of a `using` block, as {@link Root.openFile} returns it. */
export interface OpenFile {
  /** The descriptor. */
  readonly fd: number
  /** Closes the descriptor. Closing it again has no effect. */
  close(): void
  [Symbol.dispose](): void
}

/** Returns an object that closes a descriptor once. */
export function openFile(fd: number): OpenFile {
  let isOpen = true
  const close = () => {
    if (isOpen) {
      isOpen = false
      closeGiven(fd)
    }
  }
  return { fd, close, [Symbol.dispose]: close }
}

/** The call that opens a root, with its options. */
export interface Opening extends CallSubject {
  make(later: boolean): Response<OpenedRoot>
  refusesSymlinks: boolean
}

export function opening(path: PathLike | FdLike, given: options.RootOptions | undefined): Opening {
  const { path: checked, fd } = validateTarget(path, undefined)
  const { symlinks: refusesSymlinks = false, crossDevice = true } = readRootOptions(given)
  auditOpen((checked === undefined ? fd : path) as PathLike, undefined, O_DIRECTORY)
  return {
    make: (later) => native.rootStart(later, fd, checked, refusesSymlinks, crossDevice),
    caller: 'openRoot',
    path: checked,
    refusesSymlinks,
  }
}

type Inspect = (value: unknown, options: InspectOptions) => string

const NOT_CLONEABLE = Symbol('A Root belongs to its thread. Open another one with its fd; a Root')

/** Prepares an object of one of the two classes for `structuredClone` and `util.inspect`. */
export function belongToThread(root: object): void {
  // The structured clone algorithm copies own properties, and fails at a symbol with an error that
  // names it.
  Object.defineProperty(root, 'notCloneable', { value: NOT_CLONEABLE, enumerable: true })
}

const OWN = Symbol('own')
// The class sets it, since only code inside its body can call the private constructor.
let construct: (state: RootState) => Root

/**
 * Opens a directory as a {@link Root}: nothing that is asked of the root leaves this directory.
 *
 * @param path a path, or a descriptor of a directory, which is duplicated. If the path is a symbolic
 * link, it is followed: you chose the path.
 * @throws `ENOTDIR`: it is not a directory; `EBADF`: the descriptor is not open; `ENOENT`, `EACCES`,
 * `EMFILE` and the other errors of open(2)
 * @see https://man7.org/linux/man-pages/man2/openat2.2.html
 * @example
 * ```ts
 * import { openRoot } from 'fdkit'
 *
 * const root = openRoot('config')
 * root.readFile('app.json', 'utf8') // '{}'
 * root.readFile('../package.json') // throws: ERR_FDKIT_ESCAPE
 * root.close()
 * ```
 */
export function openRoot(path: PathLike | FdLike, options?: options.RootOptions): Root {
  const call = opening(path, options)
  const handle = finishCall(call.make(false) as Handle<NativeRoot>, call)
  return construct(new RootState(handle, call.refusesSymlinks))
}

/**
 * A directory that nothing leads out of, whatever is renamed, linked or swapped while it is used.
 *
 * The methods have the names, arguments and results of `node:fs`. Paths are relative to the root.
 * Symbolic links are followed as long as they stay beneath it. A path that leads out fails with
 * `ERR_FDKIT_ESCAPE`, even if it leads back in: a `..` above the root, an absolute path, or a link
 * to either. Links of `/proc` that lead to objects are refused (`ELOOP`). On Linux 5.6 and later,
 * the kernel resolves each path (openat2). Elsewhere, fdkit opens one component after another, with
 * the same results.
 *
 * `lstat`, `readlink`, `unlink`, `rm`, `rename`, `link` and `symlink` act on a link itself. A
 * slash at the end of a path means that it must be a directory.
 *
 * A Root owns its descriptors and closes them when it is closed, disposed of or collected. After
 * it is closed, everything except `close` and `exists` throws `ERR_INVALID_STATE`. It belongs to its
 * thread: `structuredClone` and `postMessage` refuse it (`DataCloneError`).
 *
 * @see https://pkg.go.dev/os#Root
 * @example
 * ```ts
 * import { symlinkSync } from 'node:fs'
 * import { openRoot } from 'fdkit'
 *
 * symlinkSync('/etc', 'config/etc')
 * using root = openRoot('config')
 * root.mkdir('a/b', { recursive: true }) // 'a'
 * root.writeFile('a/b/notes', 'text', { atomic: true })
 * root.stat('a/../a/b/notes').size // 4
 * root.readFile('etc/passwd') // throws: ERR_FDKIT_ESCAPE
 * root.rm('a', { recursive: true })
 * ```
 */
export class Root {
  readonly #state: RootState

  static {
    construct = (state) => new this(OWN, state)
    // The output of `console.log` and `util.inspect`.
    function show(this: Root, _depth: number, options: InspectOptions, inspect: Inspect): string {
      // A Proxy over a Root, or an object that inherits from one, has no private fields.
      if (!(#state in this)) return inspect(this, { ...options, customInspect: false })
      return this.#state.isClosed ? 'Root { closed }' : 'Root {}'
    }
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: show })
  }

  private constructor(token?: symbol, state?: RootState) {
    if (token !== OWN || state === undefined) throw illegalConstructor()
    this.#state = state
    belongToThread(this)
  }

  /**
   * A descriptor of the directory, for functions that take `dirFd`. Those are not confined: they
   * resolve `..` and links as usual. The Root owns it: never close it yourself. It is a duplicate of
   * the descriptor that the Root itself uses.
   *
   * @throws `EMFILE`: no descriptor number is free
   */
  get fd(): number {
    return this.#state.fd
  }

  /**
   * Closes the root. Calls of `fdkit/promises` that are pending go on, and so do walks. Closing a
   * Root again has no effect.
   *
   * @throws `EBADF`: somebody else has closed `fd`
   */
  close(): void {
    this.#state.close()
  }

  /** Closes the root at the end of a `using` block, like {@link Root.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Opens a directory beneath the root as a narrower root, with the same options.
   *
   * @throws `ENOTDIR`: it is not a directory; and the errors of {@link Root.open}
   */
  openRoot(path: PathLike): Root {
    const handle = now(calls.narrowCall(this.#state, path)) as Handle<NativeRoot>
    return construct(new RootState(handle, this.#state.refusesSymlinks))
  }

  /**
   * Opens a file or a directory and returns the number of its descriptor. The caller owns it and
   * closes it with `fs.closeSync`. As from `open`, child processes never inherit it.
   *
   * @param flags as in `fs.open`; `'r'` by default
   * @param mode the permissions of a new file, or an object with them; 0o666 by default
   * @throws `ERR_FDKIT_ESCAPE`: the path leads out of the root, or with `symlinks: 'refuse'` through
   * a link; `EAGAIN`: the file was replaced during each of 128 attempts, or with
   * `crossDevice: false` some directory was renamed; `ENOENT`, `EACCES`, `EEXIST`, `ELOOP`, `EMFILE`
   * and the other errors of open(2)
   */
  open(path: PathLike, flags?: string | number, mode?: number | string | options.RootOpenOptions): number {
    return handOut(now(calls.openCall(this.#state, path, flags, mode, 'open')) as number)
  }

  /** Opens a file like {@link Root.open}, and returns an object that closes it. */
  openFile(
    path: PathLike,
    flags?: string | number,
    mode?: number | string | options.RootOpenOptions,
  ): OpenFile {
    return openFile(handOut(now(calls.openCall(this.#state, path, flags, mode, 'openFile')) as number))
  }

  /**
   * Returns the contents of a file: a Buffer, or a string if there is an encoding.
   *
   * @param options the encoding, or an object; the flag is `'r'` by default
   * @throws `EISDIR`: it is a directory; and the errors of {@link Root.open}
   */
  readFile(
    path: PathLike,
    options: BufferEncoding | (options.ReadFileOptions & { encoding: BufferEncoding }),
  ): string
  readFile(
    path: PathLike,
    options?: 'buffer' | null | (options.ReadFileOptions & { encoding?: 'buffer' | null | undefined }),
  ): Buffer
  readFile(path: PathLike, options?: options.NameEncoding | options.ReadFileOptions | null): string | Buffer
  readFile(path: PathLike, options?: options.NameEncoding | options.ReadFileOptions | null): string | Buffer {
    const { call, decode } = calls.readFileCall(this.#state, path, options)
    return decode(now(call))
  }

  /**
   * Writes a file, which is made if it does not exist.
   *
   * With `atomic`, a new file takes the place of the old one in one step, with its permissions and,
   * if this process may set them, its owner and group. Other hard links to the old file keep the old
   * contents. A process that is killed leaves at most one file, `.NAME.fdkit-new` in the same
   * directory, which the next atomic write of the same name removes.
   *
   * @param data a string, or bytes, also in an ArrayBuffer
   * @param options the encoding, or an object; the flag is `'w'` by default
   * @throws `EISDIR`: it is a directory; `ENOSPC`, `EDQUOT`, `EIO`; `EEXIST`: the file exists, with
   * the flag `'wx'`; and the errors of {@link Root.open}
   */
  writeFile(
    path: PathLike,
    data: Contents,
    options?: BufferEncoding | options.WriteFileOptions | null,
  ): void {
    now(calls.writeFileCall(this.#state, path, data, options))
  }

  /**
   * Appends to a file, which is made if it does not exist.
   *
   * @param options the encoding, or an object; the flag is `'a'` by default
   * @throws the errors of {@link Root.writeFile}
   */
  appendFile(
    path: PathLike,
    data: Contents,
    options?: BufferEncoding | options.AppendFileOptions | null,
  ): void {
    now(calls.appendFileCall(this.#state, path, data, options))
  }

  /**
   * Returns the status of a file: an object that can be used as an `fs.Stats`, or as an
   * `fs.BigIntStats` with `bigint: true`.
   *
   * @throws `ERR_FDKIT_ESCAPE`: the path leads out of the root; `ENOENT`, `EACCES`, `ELOOP`,
   * `ENOTDIR` and the other errors of stat(2)
   */
  stat(
    path: PathLike,
    options: options.RootStatSyncOptions & { bigint: true; throwIfNoEntry: false },
  ): fs.BigIntStats | undefined
  stat(path: PathLike, options: options.RootStatSyncOptions & { throwIfNoEntry: false }): fs.Stats | undefined
  stat(path: PathLike, options: options.RootStatSyncOptions & { bigint: true }): fs.BigIntStats
  stat(path: PathLike, options?: options.RootStatSyncOptions & { bigint?: false | undefined }): fs.Stats
  stat(path: PathLike, options?: options.RootStatSyncOptions): fs.Stats | fs.BigIntStats | undefined
  stat(path: PathLike, options?: options.RootStatSyncOptions): fs.Stats | fs.BigIntStats | undefined {
    return statNow(this.#state, path, options, true)
  }

  /**
   * Returns the status of a file like {@link Root.stat}, but does not follow a link at the end of
   * the path, unless a slash follows it.
   *
   * @throws the errors of {@link Root.stat}
   */
  lstat(
    path: PathLike,
    options: options.RootStatSyncOptions & { bigint: true; throwIfNoEntry: false },
  ): fs.BigIntStats | undefined
  lstat(
    path: PathLike,
    options: options.RootStatSyncOptions & { throwIfNoEntry: false },
  ): fs.Stats | undefined
  lstat(path: PathLike, options: options.RootStatSyncOptions & { bigint: true }): fs.BigIntStats
  lstat(path: PathLike, options?: options.RootStatSyncOptions & { bigint?: false | undefined }): fs.Stats
  lstat(path: PathLike, options?: options.RootStatSyncOptions): fs.Stats | fs.BigIntStats | undefined
  lstat(path: PathLike, options?: options.RootStatSyncOptions): fs.Stats | fs.BigIntStats | undefined {
    return statNow(this.#state, path, options, false)
  }

  /**
   * Checks whether this process may access a file as `mode` says, and throws if it may not.
   *
   * @param mode `F_OK` (the file exists, the default), or `R_OK`, `W_OK` and `X_OK` or-ed
   * @throws `EACCES`: access is denied; and the errors of {@link Root.stat}
   */
  access(path: PathLike, mode?: number): void {
    now(calls.accessCall(this.#state, path, mode))
  }

  /**
   * Returns whether a path leads to a file. It never throws: it returns `false` for a path that leads
   * out of the root, for an invalid argument and for a closed root.
   */
  exists(path: PathLike): boolean {
    const call = calls.existsCall(this.#state, path)
    return call !== undefined && now(call)
  }

  /**
   * Returns the names in a directory, or its entries, without `.` and `..`, in the order of their
   * bytes. With `recursive`, those of the directories in it follow, as paths that start from it;
   * links to directories are not entered.
   *
   * Unlike in `node:fs`, names that are not UTF-8 are kept in strings as well: each invalid byte is
   * a code unit from U+DC80 to U+DCFF, and every function of fdkit accepts such names.
   *
   * @param options the encoding, or an object
   * @throws `ENOTDIR`: it is not a directory; with `recursive`, also the first error below it; and
   * the errors of {@link Root.open}
   */
  readdir(
    path: PathLike,
    options: 'buffer' | (options.ReaddirOptions & { encoding: 'buffer'; withFileTypes?: false | undefined }),
  ): Buffer[]
  readdir(
    path: PathLike,
    options: options.ReaddirOptions & { encoding: 'buffer'; withFileTypes: true },
  ): Dirent<Buffer>[]
  readdir(path: PathLike, options: options.ReaddirOptions & { withFileTypes: true }): Dirent[]
  readdir(
    path: PathLike,
    options?: BufferEncoding | null | (options.ReaddirOptions & { withFileTypes?: false | undefined }),
  ): string[]
  readdir(
    path: PathLike,
    options?: options.NameEncoding | options.ReaddirOptions | null,
  ): string[] | Buffer[] | Dirent[] | Dirent<Buffer>[]
  readdir(path: PathLike, options?: options.NameEncoding | options.ReaddirOptions | null): unknown[] {
    return readdirNow(this.#state, path, options)
  }

  /**
   * Makes a directory. With `recursive`, also makes the directories above it that are missing, and
   * returns the path of the first one that it made, or `undefined` if there was nothing to do.
   *
   * Unlike in `node:fs`, the returned path is the beginning of the given one.
   *
   * @param options the permissions, or an object; 0o777 by default
   * @throws `EEXIST`: there is something already; `ENOENT`, `ENOTDIR`, `EACCES` and the other errors
   * of mkdir(2); `ERR_FDKIT_ESCAPE`: the path leads out of the root
   */
  mkdir(path: PathLike, options: options.MkdirOptions & { recursive: true }): string | undefined
  mkdir(
    path: PathLike,
    options?: number | string | null | (options.MkdirOptions & { recursive?: false | undefined }),
  ): void
  mkdir(path: PathLike, options?: number | string | options.MkdirOptions | null): string | undefined
  mkdir(path: PathLike, options?: number | string | options.MkdirOptions | null): string | undefined {
    return now(calls.mkdirCall(this.#state, path, options))
  }

  /**
   * Makes a directory that only this user may use, and returns its path: `prefix` and six random
   * letters or digits.
   *
   * @param options the encoding of the path, or an object
   * @throws the errors of {@link Root.mkdir}
   */
  mkdtemp(prefix: PathLike, options: options.BufferNameOptions): Buffer
  mkdtemp(prefix: PathLike, options?: options.StringNameOptions): string
  mkdtemp(prefix: PathLike, options?: options.NameOptions): string | Buffer
  mkdtemp(prefix: PathLike, options?: options.NameOptions): string | Buffer {
    const { call, decode } = calls.mkdtempCall(this.#state, prefix, options)
    return decode(now(call))
  }

  /**
   * Removes a file or a link; with `recursive`, also a directory and everything in it. Links in it
   * are removed, not followed. The root itself cannot be removed (`EINVAL`).
   *
   * @throws `ERR_FS_EISDIR`: it is a directory, without `recursive`; `ENOENT`: it does not exist,
   * without `force`; `EINVAL`: the path ends in `.` or `..`; `ENOTDIR`: a slash follows something
   * that is not a directory; `EACCES`, `EPERM`, `EBUSY`, `ENOTEMPTY` (something was added in the
   * meantime); `ERR_FDKIT_ESCAPE`: the path leads out of the root
   */
  rm(path: PathLike, options?: options.RmOptions): void {
    rmNow(this.#state, path, options)
  }

  /**
   * Removes a name that is not a directory. A link itself is removed.
   *
   * @throws `EISDIR` (`EPERM` on macOS): it is a directory; `ENOENT`, `EACCES`, `EBUSY` and the other
   * errors of unlink(2); `ERR_FDKIT_ESCAPE`: the path leads out of the root
   */
  unlink(path: PathLike): void {
    now(calls.unlinkCall(this.#state, path))
  }

  /**
   * Removes an empty directory.
   *
   * @throws `EINVAL`: the path ends in `.` or `..`; `ENOENT`, `ENOTDIR`, `ENOTEMPTY`, `EACCES`,
   * `EBUSY` and the other errors of rmdir(2); `ERR_FDKIT_ESCAPE`: the path leads out of the root
   */
  rmdir(path: PathLike): void {
    now(calls.rmdirCall(this.#state, path))
  }

  /**
   * Renames a file or a directory. By default, a file at `newPath` is replaced. Links themselves are
   * renamed.
   *
   * @throws `EEXIST`: `newPath` exists, with `noReplace`; `EXDEV`: the paths are on different file
   * systems; `EINVAL`: `newPath` is below `oldPath`, or the file system does not support the option;
   * `ENOENT`, `ENOTEMPTY`, `EISDIR`, `ENOTDIR` and the other errors of rename(2);
   * `ERR_FDKIT_ESCAPE`: a path leads out of the root
   */
  rename(oldPath: PathLike, newPath: PathLike, options?: options.RootRenameOptions): void {
    now(calls.renameCall(this.#state, oldPath, newPath, options))
  }

  /**
   * Makes a hard link: a second name for a file. A symbolic link as `existingPath` is not followed.
   *
   * @throws `EPERM`: it is a directory; `EXDEV`: the paths are on different file systems; `EEXIST`,
   * `ENOENT` and the other errors of link(2); `ERR_FDKIT_ESCAPE`: a path leads out of the root
   */
  link(existingPath: PathLike, newPath: PathLike): void {
    now(calls.linkCall(this.#state, existingPath, newPath))
  }

  /**
   * Makes a symbolic link at `path` that points to `target`. The target may be anything: it is
   * checked when the link is followed.
   *
   * @throws `EEXIST`, `ENOENT`, `EACCES` and the other errors of symlink(2); `ERR_FDKIT_ESCAPE`:
   * `path` leads out of the root
   */
  symlink(target: PathLike, path: PathLike): void {
    now(calls.symlinkCall(this.#state, target, path))
  }

  /**
   * Returns the target of a symbolic link. It may lead out of the root.
   *
   * @param options the encoding of the result, or an object
   * @throws `EINVAL`: it is not a symbolic link; and the errors of {@link Root.lstat}
   */
  readlink(path: PathLike, options: options.BufferNameOptions): Buffer
  readlink(path: PathLike, options?: options.StringNameOptions): string
  readlink(path: PathLike, options?: options.NameOptions): string | Buffer
  readlink(path: PathLike, options?: options.NameOptions): string | Buffer {
    const { call, decode } = calls.readlinkCall(this.#state, path, options)
    return decode(now(call))
  }

  /**
   * Returns the path of a file without links, `.` and `..`. Unlike in `node:fs`, it is relative to
   * the root; `'.'` is the root itself. The file may be renamed at any time.
   *
   * @param options the encoding of the result, or an object
   * @throws the errors of {@link Root.stat}
   */
  realpath(path: PathLike, options: options.BufferNameOptions): Buffer
  realpath(path: PathLike, options?: options.StringNameOptions): string
  realpath(path: PathLike, options?: options.NameOptions): string | Buffer
  realpath(path: PathLike, options?: options.NameOptions): string | Buffer {
    const { call, decode } = calls.realpathCall(this.#state, path, options)
    return decode(now(call))
  }

  /**
   * Sets the permissions of a file. Links are followed.
   *
   * @throws `EPERM`: the file belongs to another user; `ENOSYS`: Linux is older than 6.6, and `/proc`
   * is not mounted; and the errors of {@link Root.stat}
   */
  chmod(path: PathLike, mode: number | string): void {
    now(calls.chmodCall(this.#state, path, mode))
  }

  /**
   * Sets the owner and the group of a file. -1 leaves either of them unchanged. Links are followed.
   *
   * @throws `EPERM`; and the errors of {@link Root.stat}
   */
  chown(path: PathLike, uid: number, gid: number): void {
    now(calls.chownCall(this.#state, path, uid, gid))
  }

  /**
   * Sets the times of last access and last modification. Links are followed.
   *
   * Unlike in `node:fs`, a negative number is a time before 1970, and not the current time.
   *
   * @param atime seconds since 1970, also as a string, or a `Date`
   * @throws `EPERM`, `EACCES`: the file belongs to another user; and the errors of {@link Root.stat}
   */
  utimes(path: PathLike, atime: calls.TimeLike, mtime: calls.TimeLike): void {
    now(calls.utimesCall(this.#state, path, atime, mtime))
  }

  /**
   * Sets the size of a file. If it grows, the new bytes are zeros. Links are followed.
   *
   * @param len the size in bytes; 0 by default
   * @throws `EISDIR`: it is a directory; `EFBIG`; and the errors of {@link Root.open}
   */
  truncate(path: PathLike, len?: number): void {
    now(calls.truncateCall(this.#state, path, len))
  }

  /**
   * Walks a directory tree beneath the root, like {@link fwalk}. It never follows a symbolic link
   * below `path`, and not at its end.
   *
   * The yielded paths start with `path`. The walk goes on if the root is closed.
   *
   * @param path the top of the walk; `'.'` by default
   * @throws at the first step, the errors of {@link Root.open}; and those of {@link fwalk}
   */
  fwalk(path: Uint8Array, options?: options.RootFwalkOptions<Buffer>): FwalkIterator<Buffer>
  fwalk(path?: string | URL, options?: options.RootFwalkOptions<string>): FwalkIterator<string>
  fwalk(
    path: string | URL | Uint8Array = '.',
    options?: options.RootFwalkOptions<string> | options.RootFwalkOptions<Buffer>,
  ): FwalkIterator<string | Buffer> {
    return fwalkNow(this.#state, path, options)
  }
}
