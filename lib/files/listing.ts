// The names in a directory.
import { auditEvent } from '../runtime/audit.js'
import { check } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { validateTarget, type DirFdOptions, type PathLike } from '../runtime/validate.js'

/** Receives names, some hundreds a call, into one array. */
export class NameSink<Name> {
  names: Name[] = []
  readonly add = (...names: Name[]): void => {
    if (this.names.length === 0) this.names = names
    else for (const name of names) this.names.push(name)
  }
}

const auditListdir = auditEvent('os.listdir', 'path')

/**
 * The names in a directory, without `.` and `..`, in the file system's order: strings, or
 * Buffers where the path is bytes.
 *
 * Unlike in Python, a descriptor's offset is neither used nor moved (but where the directory may
 * be read and not searched: then it is rewound), and `dirFd` is taken.
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
  return check(await native.getdents64Later(fd, checked), checked)
}
