/* What napi-rs writes of crates/binding; made by the build. */

type PathArg = string | Uint8Array
type Ret<T> = T | Failure

/** A walk, step by step. */
export declare class Walk {
  /** Opens nothing. */
  constructor(top: PathArg, asBuffers: boolean, topdown: boolean, followSymlinks: boolean, maxOpen: number, start?: number | undefined | null)
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
  /** The directories to be visited next. */
  setDirnames(names: (string | Uint8Array)[]): void
  /** The path of the directory that the last step came to. */
  path(): Buffer
  /** Closes everything. */
  close(): void
}

/** `dup(fd)`. */
export declare function dup(fd: number): Ret<number>

/** A failed system call. */
export interface Failure {
  /** Negative, as libuv has it. */
  errno: number
  /** As its manual page spells it. */
  syscall: string
  /** Set where a walk goes on after it. */
  skipped?: boolean
}

/** `fcntl(fd, F_ADD_SEALS, seals)`. */
export declare function fcntlAddSeals(fd: number, seals: number): Ret<undefined>

/** `fcntl(fd, F_GETFD)`. */
export declare function fcntlGetfd(fd: number): Ret<boolean>

/** `fcntl(fd, F_GET_SEALS)`. */
export declare function fcntlGetSeals(fd: number): Ret<number>

/** `fcntl(fd, F_SETFD, …)`. */
export declare function fcntlSetfd(fd: number, inheritable: boolean): Ret<undefined>

/** `fstat(fd)`, likewise. */
export declare function fstat(fd: number, bigint: boolean, make: (...fields: any[]) => unknown): Ret<unknown>

/** The names in the directory at `path`, poured into `sink`. */
export declare function getdents64(start: number | undefined | null, path: PathArg, asBuffers: boolean, sink: (...names: any[]) => void): Ret<undefined>

/** The names in an open directory, likewise. */
export declare function getdents64Fd(fd: number, sink: (...names: any[]) => void): Ret<undefined>

/** `memfd_create(name, flags)`. */
export declare function memfdCreate(name: PathArg, flags: number): Ret<number>

/** `openat(dirFd, path, flags, mode)`. */
export declare function openat(start: number | undefined | null, path: PathArg, flags: number, mode: number): Ret<number>

/** `statx(dirFd, path, …)`; `make` gets the fields in the order of node:fs. */
export declare function statx(start: number | undefined | null, path: PathArg, followSymlinks: boolean, bigint: boolean, make: (...fields: any[]) => unknown): Ret<unknown>

/** `unlinkat(dirFd, path, 0)`. */
export declare function unlinkat(start: number | undefined | null, path: PathArg): Ret<undefined>

/** `unlinkat(dirFd, path, AT_REMOVEDIR)`. */
export declare function unlinkatRemovedir(start: number | undefined | null, path: PathArg): Ret<undefined>

/** What the package's version must be, for both to fit. */
export declare const VERSION: string
