/* What napi-rs writes of crates/binding, behind exports.d.ts of it; made by the build. */

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

type PathArg = string | Uint8Array
export type Ret<T> = T | Failure
type Reply<T> = Ret<T> | Promise<Ret<T>>
/** The number at once, or later what `takeFd` gets it from. */
export type FdReply = Ret<number> | Promise<Ret<Held>>
type Fd = number | undefined
/** What only the addon can look into. */
export type Held = { readonly held: unique symbol }
type Enter = (kept: number, ...names: string[]) => void
type Sink = (...names: any[]) => void

export declare function adopt(fd: number): Ret<Held>
export declare function canShare(): boolean
export declare function close(held: Held): Ret<undefined>
export declare function dup(fd: number): Ret<number>
export declare function faccessat2(later: boolean, dirFd: Fd, path: PathArg, mode: number, effectiveIds: boolean, followSymlinks: boolean): Reply<boolean>
export declare function fallocate(fd: number, offset: number, length: number): Ret<undefined>
export declare function fchmodat2(later: boolean, dirFd: Fd, path: PathArg | undefined, mode: number, followSymlinks: boolean): Reply<undefined>
export declare function fchownat(later: boolean, dirFd: Fd, path: PathArg | undefined, uid: number | undefined, gid: number | undefined, followSymlinks: boolean): Reply<undefined>
export declare function fcntlAddSeals(fd: number, seals: number): Ret<undefined>
export declare function fcntlGetSeals(fd: number): Ret<number>
export declare function fcntlGetfd(fd: number): Ret<boolean>
export declare function fcntlSetfd(fd: number, inheritable: boolean): Ret<undefined>
export declare function ftruncate(fd: number, size: number): Ret<undefined>
export declare function futexCancel(waiter: Held): undefined
export declare function futexWait(words: Int32Array, index: number, value: number, seconds: number | undefined, canEnd: boolean): Ret<number>
export declare function futexWaiter(): Held
export declare function futexWaitLater(waiter: Held, words: Int32Array, index: number, value: number, seconds: number | undefined): Reply<number>
export declare function futexWake(words: Int32Array, index: number, count: number): Ret<number>
export declare function getdents64(dirFd: Fd, path: PathArg | undefined, sink: Sink): Ret<undefined>
export declare function getdents64Later(later: true, dirFd: Fd, path: PathArg | undefined): Reply<any[] | Held>
export declare function linkat(later: boolean, srcDirFd: Fd, src: PathArg, dstDirFd: Fd, dst: PathArg, followSymlinks: boolean): Reply<undefined>
export declare function listingPour(listing: Held, sink: Sink): boolean
export declare function memfdCreate(later: boolean, name: PathArg, flags: number): FdReply
export declare function mkdirat(later: boolean, dirFd: Fd, path: PathArg, mode: number): Reply<undefined>
export declare function mkfifoat(later: boolean, dirFd: Fd, path: PathArg, mode: number): Reply<undefined>
export declare function mknodat(later: boolean, dirFd: Fd, path: PathArg, mode: number, device: number): Reply<undefined>
export declare function mmap<Shared extends boolean>(isShared: Shared, fd: number, offset: number, length: number | undefined, writable: boolean | undefined, mayShrink: boolean, populate: boolean): Ret<Shared extends true ? SharedArrayBuffer : ArrayBuffer>
export declare function munmap(buffer: ArrayBuffer): Ret<undefined>
export declare function openat(later: boolean, dirFd: Fd, path: PathArg, flags: number, mode: number, resolve: number | undefined): FdReply
export declare function pageSize(): number
export declare function pread(fd: number, bytes: Uint8Array, position: number): Ret<number>
export declare function pwrite(fd: number, bytes: Uint8Array, position: number): Ret<undefined>
export declare function readlinkat(later: boolean, dirFd: Fd, path: PathArg): Reply<string | Buffer>
export declare function renameat2(later: boolean, srcDirFd: Fd, src: PathArg, dstDirFd: Fd, dst: PathArg, flags: number): Reply<undefined>
export declare function rmtreeClose(tree: Held): undefined
export declare function rmtreeInterrupt(tree: Held): undefined
export declare function rmtreeStart(later: boolean, start: Fd, path: PathArg): Held
export declare function rmtreeStep(tree: Held, later: boolean): Reply<boolean>
export declare function scandir(later: boolean, dirFd: Fd, path: PathArg | undefined): Reply<any[] | Held>
export declare function statx(dirFd: Fd, path: PathArg | undefined, followSymlinks: boolean, bigint: boolean, fields: Float64Array | BigInt64Array): Ret<undefined>
export declare function statxLater(later: true, dirFd: Fd, path: PathArg | undefined, followSymlinks: boolean, bigint: boolean): Reply<any[]>
export declare function symlinkat(later: boolean, dirFd: Fd, path: PathArg, target: PathArg): Reply<undefined>
export declare function takeFd(held: Held): number
export declare function unlinkat(later: boolean, dirFd: Fd, path: PathArg, isDirectory: boolean): Reply<undefined>
export declare function utimensat(later: boolean, dirFd: Fd, path: PathArg | undefined, followSymlinks: boolean, atime: number, atimeNs: number, mtime: number, mtimeNs: number): Reply<undefined>
export declare function walkClose(walk: Held): undefined
export declare function walkInterrupt(walk: Held): undefined
export declare function walkPath(walk: Held): Buffer
export declare function walkPour(walk: Held, enter: Enter, dirnames: Sink, filenames: Sink): boolean
export declare function walkSetDirnames(walk: Held, names: PathArg[]): undefined
export declare function walkStart(later: boolean, top: PathArg, topdown: boolean, followSymlinks: boolean, maxOpen: number, start: Fd): Held
export declare function walkStep(walk: Held, enter: Enter, dirnames: Sink, filenames: Sink): Ret<number>
export declare function walkStepLater(walk: Held): Promise<Ret<number>>

/** What the package's version must be, for both to fit. */
export declare const VERSION: string
