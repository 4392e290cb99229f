// The names in a directory.
import { auditEvent } from '../runtime/audit.js'
import type { Handle, Listing } from '../runtime/binding.js'
import { finish, type CallSubject } from '../runtime/call.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import { ownTurn } from '../runtime/turns.js'
import {
  validateFd,
  validateTarget,
  type DirFdOptions,
  type FdLike,
  type PathLike,
} from '../runtime/validate.js'

/** Receives names in batches of several hundred and collects them in one array. */
export class NameSink<Name> {
  names: Name[] = []
  readonly add = (...names: Name[]): void => {
    if (this.names.length === 0) this.names = names
    else for (const name of names) this.names.push(name)
  }
}

/**
 * Passes a listing that is too long for one turn of the event loop to `sink`, over as many turns as
 * it needs.
 */
export async function drainInTurns(
  listing: Handle<Listing>,
  // oxlint-disable-next-line typescript/no-explicit-any -- a sink takes values of the kind that it asked for
  sink: (...values: any[]) => void,
): Promise<void> {
  do await ownTurn()
  while (native.listingDrain(listing, sink))
}

export const auditListdir = auditEvent('os.listdir', 'path')

type AnyNames = string[] | Buffer[]

const readListdir = optionsOf('listdir', { dirFd: validateFd })

function listNow(subject: CallSubject): AnyNames {
  const sink = new NameSink<string>()
  finish(native.getdents64(subject.dirFd, subject.path, sink.add), subject)
  return sink.names
}

async function listLater(subject: CallSubject): Promise<AnyNames> {
  const listed = finish(await native.getdents64Later(subject.dirFd, subject.path), subject)
  if (Array.isArray(listed)) return listed as AnyNames
  const sink = new NameSink<string>()
  await drainInTurns(listed, sink.add)
  return sink.names
}

/**
 * Returns the names in a directory, without `.` and `..`, in the file system's order. They are
 * strings, or Buffers if the path was given as bytes.
 *
 * Unlike Python's, it takes `dirFd`, and it neither uses nor moves the offset of a descriptor.
 * There is one exception: if the directory may not be searched and cannot be opened through
 * `/proc`, the descriptor is rewound and read. Within this process, such listings of one directory
 * run one after another.
 *
 * @param path a path, or a descriptor of a directory
 * @throws `EBADF`: the descriptor is not open; `ERR_INVALID_ARG_VALUE`: `dirFd` was given with a
 * descriptor in place of the path; `ENOENT`, `ENOTDIR`, `EACCES`, `EMFILE` and the other errors of
 * open(2)
 * @see https://docs.python.org/3/library/os.html#os.listdir
 * @example
 * ```ts
 * import { listdir } from 'fdkit'
 *
 * listdir('src').filter((name) => name.endsWith('.ts'))
 * ```
 */
export const listdir = operation(
  'listdir',
  (path?: PathLike | FdLike, options?: DirFdOptions): CallSubject => {
    const { dirFd } = readListdir(options)
    const { path: checked, fd } = validateTarget(path === undefined ? '.' : path, dirFd, true, readListdir)
    auditListdir(path !== undefined && checked === undefined ? fd : (path as PathLike | undefined))
    return { caller: 'listdir', path: checked, dirFd: fd }
  },
  listNow,
  listLater,
) as {
  (path?: string | URL | FdLike, options?: DirFdOptions): string[]
  (path: Uint8Array, options?: DirFdOptions): Buffer[]
  (path?: PathLike | FdLike, options?: DirFdOptions): string[] | Buffer[]
}
