// The names in a directory.
import { auditEvent } from '../runtime/audit.js'
import type { Held } from '../runtime/binding.js'
import { check } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { ownTurn } from '../runtime/turns.js'
import { validateTarget, type DirFdOptions, type PathLike } from '../runtime/validate.js'

/** Receives values, some hundreds a call, into one array. */
export class NameSink<Name> {
  names: Name[] = []
  readonly add = (...names: Name[]): void => {
    if (this.names.length === 0) this.names = names
    else for (const name of names) this.names.push(name)
  }
}

/**
 * Passes a listing that is too long for one turn of the event loop to `sink`, in as many turns as it
 * takes.
 */
export async function pourInTurns(listing: Held, sink: (...values: any[]) => void): Promise<void> {
  do await ownTurn()
  while (native.listingPour(listing, sink))
}

const auditListdir = auditEvent('os.listdir', 'path')

/**
 * The names in a directory, without `.` and `..`, in the file system's order: strings, or
 * Buffers where the path is bytes.
 *
 * Unlike in Python, a descriptor's offset is neither used nor moved, and `dirFd` is taken. The one
 * exception: if the directory is not searchable and cannot be opened through `/proc`, the descriptor
 * is rewound and read. Such listings of one directory wait for each other within this process.
 *
 * @param path a path, or a descriptor of a directory
 * @throws `ENOENT`, `ENOTDIR`, `EACCES`, `EMFILE` …, as open(2) says; `EBADF`: a descriptor that
 * is not open; `ERR_INVALID_ARG_VALUE`: `dirFd` with a descriptor for the path
 * @see https://docs.python.org/3/library/os.html#os.listdir
 * @example
 * ```ts
 * import { listdir } from 'fdkit'
 *
 * listdir('src').filter((name) => name.endsWith('.ts'))
 * ```
 */
export function listdir(path?: string | URL | number, options?: DirFdOptions): string[]
export function listdir(path: Uint8Array, options?: DirFdOptions): Buffer[]
export function listdir(path?: PathLike | number, options?: DirFdOptions): string[] | Buffer[]
export function listdir(path?: PathLike | number, options?: DirFdOptions): unknown[] {
  const { path: checked, fd } = validateTarget(path === undefined ? '.' : path, options)
  auditListdir(path)
  const sink = new NameSink<unknown>()
  check(native.getdents64(fd, checked, sink.add), checked)
  return sink.names
}

// For `fdkit/promises`.
export async function listdirPromise(
  path: PathLike | number | undefined,
  options: DirFdOptions | undefined,
): Promise<unknown[]> {
  const { path: checked, fd } = validateTarget(path === undefined ? '.' : path, options)
  auditListdir(path)
  const listed = check(await native.getdents64Later(true, fd, checked), checked)
  if (Array.isArray(listed)) return listed
  const sink = new NameSink<unknown>()
  await pourInTurns(listed, sink.add)
  return sink.names
}
