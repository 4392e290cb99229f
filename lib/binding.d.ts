/* What napi-rs writes of crates/binding; made by the build. */

type PathArg = string | Uint8Array
type Ret<T> = T | Failure
type Reply<T> = Ret<T> | Promise<Ret<T>>

/** A tree that is to be deleted. */
export declare class Rmtree {
  /** Opens nothing. `later` says that the steps will be. */
  constructor(later: boolean, start: number | undefined | null, path: PathArg)
  /**
   * Removes entries, now up to the end, and `later` for a while. True where there is more to
   * do. A failure with `skipped` set is of the entry at its `path`; the rest still goes on.
   */
  step(later: boolean): Reply<boolean>
  /** Closes everything. */
  close(): void
}

/** A walk, step by step. */
export declare class Walk {
  /** Opens nothing, but with `later` copies `start`. */
  constructor(later: boolean, top: PathArg, topdown: boolean, followSymlinks: boolean, maxOpen: number, start?: number | undefined | null)
  /**
   * What makes a step: goes on to the next directory and returns its descriptor, -1 at the
   * end, or a failure; `skipped` is set on one after which the walk goes on.
   *
   * `enter(kept, ...names)` gets how the path changes, of walks that yield strings; the
   * other sinks get the names in the directory, some hundreds a call.
   *
   * A function of its own, since what napi-rs does around a method takes a quarter of a
   * microsecond, which is a tenth of what a step takes outside the kernel.
   */
  stepper(): (enter: (kept: number, ...names: string[]) => void, dirnames: (...names: any[]) => void, filenames: (...names: any[]) => void) => Ret<number>
  /** A step on a thread of the pool. One at a time. */
  stepLater(enter: (kept: number, ...names: string[]) => void, dirnames: (...names: any[]) => void, filenames: (...names: any[]) => void): Promise<Ret<number>>
  /** The directories to be visited next. */
  setDirnames(names: (string | Uint8Array)[]): void
  /** The path of the directory that the last step came to. */
  path(): Buffer
  /** Ends a step that is under way, and the walk. */
  interrupt(): void
  /** Closes everything. */
  close(): void
}

/** `dup(fd)`. */
export declare function dup(fd: number): Ret<number>

/** `faccessat2(dirFd, path, mode, …)`: whether it succeeds. */
export declare function faccessat2(later: boolean, start: number | undefined | null, path: PathArg, mode: number, effectiveIds: boolean, followSymlinks: boolean): Reply<boolean>

/** A failed system call. */
export interface Failure {
  /** Negative, as libuv has it. */
  errno: number
  /** As its manual page spells it. */
  syscall: string
  /** Set where a walk, or a deletion, goes on after it. */
  skipped?: boolean
  /** Of what, where JavaScript cannot know. */
  path?: string | Buffer
}

/** `fchmodat2(dirFd, path, mode, …)`; without a path, `fchmod(start, mode)`. */
export declare function fchmodat2(later: boolean, start: number | undefined | null, path: PathArg | undefined | null, mode: number, followSymlinks: boolean): Reply<undefined>

/**
 * `fchownat(dirFd, path, uid, gid, …)`; without a path, `fchown(start, uid, gid)`. `undefined`
 * leaves one as it is.
 */
export declare function fchownat(later: boolean, start: number | undefined | null, path: PathArg | undefined | null, uid: number | undefined | null, gid: number | undefined | null, followSymlinks: boolean): Reply<undefined>

/** `fcntl(fd, F_ADD_SEALS, seals)`. */
export declare function fcntlAddSeals(fd: number, seals: number): Ret<undefined>

/** `fcntl(fd, F_GETFD)`. */
export declare function fcntlGetfd(fd: number): Ret<boolean>

/** `fcntl(fd, F_GET_SEALS)`. */
export declare function fcntlGetSeals(fd: number): Ret<number>

/** `fcntl(fd, F_SETFD, …)`. */
export declare function fcntlSetfd(fd: number, inheritable: boolean): Ret<undefined>

/** The names in the directory at `path`, or without a path in that of `start`, poured into `sink`. */
export declare function getdents64(start: number | undefined | null, path: PathArg | undefined | null, sink: (...names: any[]) => void): Ret<undefined>

/** [`getdents64`] on a thread of the pool: an array. */
export declare function getdents64Later(start?: number | undefined | null, path?: PathArg | undefined | null): Reply<any[]>

/** `linkat(srcDirFd, src, dstDirFd, dst, …)`. */
export declare function linkat(later: boolean, srcStart: number | undefined | null, src: PathArg, dstStart: number | undefined | null, dst: PathArg, followSymlinks: boolean): Reply<undefined>

/** `memfd_create(name, flags)`. `later` asks for a promise. */
export declare function memfdCreate(later: boolean, name: PathArg, flags: number): Reply<number>

/** `mkdirat(dirFd, path, mode)`. */
export declare function mkdirat(later: boolean, start: number | undefined | null, path: PathArg, mode: number): Reply<undefined>

/** `mkfifoat(dirFd, path, mode)`. */
export declare function mkfifoat(later: boolean, start: number | undefined | null, path: PathArg, mode: number): Reply<undefined>

/** `mknodat(dirFd, path, mode, device)`. */
export declare function mknodat(later: boolean, start: number | undefined | null, path: PathArg, mode: number, device: number): Reply<undefined>

/** `openat(dirFd, path, flags, mode)`, or `openat2` where `resolve` is given. */
export declare function openat(later: boolean, start: number | undefined | null, path: PathArg, flags: number, mode: number, resolve?: number | undefined | null): Reply<number>

/** `readlinkat(dirFd, path)`: a name of the kind that the path is. */
export declare function readlinkat(later: boolean, start: number | undefined | null, path: PathArg): Reply<string | Buffer>

/** `renameat2(srcDirFd, src, dstDirFd, dst, flags)`. */
export declare function renameat2(later: boolean, srcStart: number | undefined | null, src: PathArg, dstStart: number | undefined | null, dst: PathArg, flags: number): Reply<undefined>

/**
 * Name, type, a link's target's type and inode number of each entry of the directory at `path`,
 * or without a path of that of `start`, in one array. `later` asks for a promise, and for the
 * types of links' targets.
 */
export declare function scandir(later: boolean, start?: number | undefined | null, path?: PathArg | undefined | null): Reply<any[]>

/**
 * What makes `statx(dirFd, path, …)`; without a path, `fstat(start)`. It puts the fields into
 * `fields`, in the order of node:fs.
 *
 * A function of its own, and numbers in memory that JavaScript reads, as in node:fs: making 14
 * values and calling back with them takes as long as the system call.
 */
export declare function statx(fields: Float64Array): (start: number | undefined, path: PathArg | undefined, followSymlinks: boolean) => Ret<undefined>

/** The fields of [`statx`] in an array, as numbers or bigints. `later` asks for a promise. */
export declare function statxFields(later: boolean, start: number | undefined | null, path: PathArg | undefined | null, followSymlinks: boolean, bigint: boolean): Reply<any[]>

/** `symlinkat(target, dirFd, path)`. */
export declare function symlinkat(later: boolean, target: PathArg, start: number | undefined | null, path: PathArg): Reply<undefined>

/** A time to set. Of nanoseconds, -1 stands for the present and -2 for leaving it. */
export interface TimeArg {
  /** Since 1970. */
  seconds: number
  /** Less than 1,000,000,000. */
  nanoseconds: number
}

/** `unlinkat(dirFd, path, 0)`. */
export declare function unlinkat(later: boolean, start: number | undefined | null, path: PathArg): Reply<undefined>

/** `unlinkat(dirFd, path, AT_REMOVEDIR)`. */
export declare function unlinkatRemovedir(later: boolean, start: number | undefined | null, path: PathArg): Reply<undefined>

/** `utimensat(dirFd, path, [atime, mtime], …)`; without a path, `futimens(start, …)`. */
export declare function utimensat(later: boolean, start: number | undefined | null, path: PathArg | undefined | null, atime: TimeArg, mtime: TimeArg, followSymlinks: boolean): Reply<undefined>

/** What the package's version must be, for both to fit. */
export declare const VERSION: string
