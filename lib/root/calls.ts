// The calls of both classes: arguments are checked, audit events raised, and system calls prepared.
import { constants } from 'node:fs'
import { isDate } from 'node:util/types'

import { F_OK, RENAME_EXCHANGE, RENAME_NOREPLACE } from '../constants.js'
import { validateId } from '../files/attributes.js'
import {
  auditChmod,
  auditChown,
  auditLink,
  auditMkdir,
  auditRemove,
  auditRename,
  auditRmdir,
  auditSymlink,
  auditUtime,
} from '../files/audit-events.js'
import { parseTime } from '../files/times.js'
import { auditOpen, parseFlags, parseMode } from '../files/open.js'
import { validateContents } from '../memory/contents.js'
import { auditEvent } from '../runtime/audit.js'
import type { OpenedRoot, Opened, Response } from '../runtime/binding.js'
import { invalidArgType, invalidArgValue, isFailure } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { validateBytes, validateInteger, validatePath, type PathLike } from '../runtime/validate.js'
import * as options from './options.js'
import type { RootCall, RootState } from './state.js'

const auditTruncate = auditEvent('os.truncate', 'path', 'length')

export function openCall(
  state: RootState,
  path: PathLike,
  flags: string | number = 'r',
  given: unknown,
  caller: 'open' | 'openFile',
): RootCall<Opened> {
  const checked = validatePath(path)
  const bits = parseFlags(flags)
  const read = caller === 'open' ? options.readOpen : options.readOpenFile
  const { mode = 0o666 } = options.withMode(read, given)
  auditOpen(path, undefined, bits)
  return {
    state,
    make: (later) => native.rootOpenat(later, state.handle, checked, bits, mode),
    caller: `Root.${caller}`,
    path: checked,
  }
}

export function narrowCall(state: RootState, path: PathLike): RootCall<OpenedRoot> {
  const checked = validatePath(path)
  auditOpen(path, undefined, constants.O_DIRECTORY)
  return {
    state,
    make: (later) => native.rootNarrow(later, state.handle, checked),
    caller: 'Root.openRoot',
    path: checked,
  }
}

export function readFileCall(
  state: RootState,
  path: PathLike,
  given: unknown,
): { call: RootCall<Buffer>; decode: (bytes: Buffer) => string | Buffer } {
  const checked = validatePath(path)
  const { encoding, flag = constants.O_RDONLY } = options.withEncoding(options.readReadFile, given)
  auditOpen(path, undefined, flag)
  const call: RootCall<Buffer> = {
    state,
    make: (later) => native.rootReadFile(later, state.handle, checked, flag),
    caller: 'Root.readFile',
    path: checked,
  }
  return { call, decode: (bytes) => options.decode(bytes, encoding) }
}

const { O_APPEND, O_CREAT, O_TRUNC, O_WRONLY } = constants

export function writeFileCall(
  state: RootState,
  path: PathLike,
  data: unknown,
  given: unknown,
): RootCall<undefined> {
  const read = options.withEncoding(options.readWriteFile, given)
  const { flag = O_WRONLY | O_CREAT | O_TRUNC, atomic = false } = read
  if (atomic) options.checkAtomic(flag, flag)
  return writing('Root.writeFile', state, path, data, read, flag, atomic)
}

export function appendFileCall(
  state: RootState,
  path: PathLike,
  data: unknown,
  given: unknown,
): RootCall<undefined> {
  const read = options.withEncoding(options.readAppendFile, given)
  const { flag = O_WRONLY | O_CREAT | O_APPEND } = read
  return writing('Root.appendFile', state, path, data, read, flag, false)
}

interface Writing {
  encoding?: options.NameEncoding | null | undefined
  mode?: number | undefined
  flush?: boolean | undefined
}

function writing(
  caller: string,
  state: RootState,
  path: PathLike,
  data: unknown,
  { encoding, mode = 0o666, flush = false }: Writing,
  flag: number,
  atomic: boolean,
): RootCall<undefined> {
  const checked = validatePath(path)
  const isText = typeof data === 'string' && encoding && encoding !== 'buffer'
  const bytes = isText ? Buffer.from(data, encoding) : validateContents(data, 'data')
  auditOpen(path, undefined, flag)
  return {
    state,
    make: (later) => native.rootWriteFile(later, state.handle, checked, bytes, flag, mode, flush, atomic),
    caller,
    path: checked,
  }
}

export function accessCall(state: RootState, path: PathLike, mode: number = F_OK): RootCall<undefined> {
  const checked = validatePath(path)
  const bits = validateInteger(mode, 'mode', 0, 7)
  return {
    state,
    make: (later) => native.rootAccess(later, state.handle, checked, bits, false) as undefined,
    caller: 'Root.access',
    path: checked,
  }
}

/** A call that never fails. Without a call, the answer is `false`. */
export function existsCall(state: RootState, path: unknown): RootCall<boolean> | undefined {
  if (state.isClosed) return undefined
  try {
    const checked = validatePath(path)
    const answer = (result: unknown) => !isFailure(result) && result === true
    return {
      state,
      make(later) {
        const result = native.rootAccess(later, state.handle, checked, F_OK, true)
        return later ? (result as Promise<unknown>).then(answer) : answer(result)
      },
      caller: 'Root.exists',
      path: checked,
    }
  } catch {
    return undefined
  }
}

export function mkdirCall(state: RootState, path: PathLike, given: unknown): RootCall<string | undefined> {
  const checked = validatePath(path)
  const { recursive = false, mode = 0o777 } = options.withMode(options.readMkdir, given)
  state.audit(auditMkdir, [path, mode])
  return {
    state,
    make: (later) =>
      native.rootMkdir(later, state.handle, checked, mode, recursive) as Response<string | undefined>,
    caller: 'Root.mkdir',
    path: checked,
  }
}

type Naming = { call: RootCall<string | Buffer>; decode: (name: string | Buffer) => string | Buffer }

export function mkdtempCall(state: RootState, prefix: PathLike, given: unknown): Naming {
  const checked = validatePath(prefix, 'prefix')
  const { encoding } = options.withEncoding(options.readMkdtemp, given)
  const asBuffer = options.wantsBuffers(encoding)
  state.audit(auditMkdir, [prefix, 0o700])
  const call: RootCall<string | Buffer> = {
    state,
    make: (later) => native.rootMkdtemp(later, state.handle, checked, asBuffer),
    caller: 'Root.mkdtemp',
    path: checked,
  }
  return { call, decode: (name) => options.decodeName(name, encoding) }
}

export function readlinkCall(state: RootState, path: PathLike, given: unknown): Naming {
  const checked = validatePath(path)
  const { encoding } = options.withEncoding(options.readReadlink, given)
  const asBuffer = options.wantsBuffers(encoding)
  const call: RootCall<string | Buffer> = {
    state,
    make: (later) => native.rootReadlink(later, state.handle, checked, asBuffer),
    caller: 'Root.readlink',
    path: checked,
  }
  return { call, decode: (name) => options.decodeName(name, encoding) }
}

export function realpathCall(state: RootState, path: PathLike, given: unknown): Naming {
  const checked = validatePath(path)
  const { encoding } = options.withEncoding(options.readRealpath, given)
  const asBuffer = options.wantsBuffers(encoding)
  const call: RootCall<string | Buffer> = {
    state,
    make: (later) => native.rootRealpath(later, state.handle, checked, asBuffer),
    caller: 'Root.realpath',
    path: checked,
  }
  return { call, decode: (name) => options.decodeName(name, encoding) }
}

export function unlinkCall(state: RootState, path: PathLike, caller = 'Root.unlink'): RootCall<undefined> {
  const checked = validatePath(path)
  state.audit(auditRemove, [path])
  return {
    state,
    make: (later) => native.rootUnlinkat(later, state.handle, checked, false),
    caller,
    path: checked,
  }
}

export function rmdirCall(state: RootState, path: PathLike): RootCall<undefined> {
  const checked = validatePath(path)
  state.audit(auditRmdir, [path])
  return {
    state,
    make: (later) => native.rootUnlinkat(later, state.handle, checked, true),
    caller: 'Root.rmdir',
    path: checked,
  }
}

export function renameCall(
  state: RootState,
  oldPath: PathLike,
  newPath: PathLike,
  given: unknown,
): RootCall<undefined> {
  const [path, dest] = [validatePath(oldPath, 'oldPath'), validatePath(newPath, 'newPath')]
  const { noReplace = false, exchange = false } = options.readRename(given)
  if (noReplace && exchange) {
    throw invalidArgValue('options.exchange', 'must not be given with noReplace', exchange)
  }
  const flags = (noReplace ? RENAME_NOREPLACE : 0) | (exchange ? RENAME_EXCHANGE : 0)
  state.audit(auditRename, [oldPath, newPath], 2)
  return {
    state,
    make: (later) => native.rootRename(later, state.handle, path, dest, flags),
    caller: 'Root.rename',
    path,
    dest,
  }
}

export function linkCall(state: RootState, existingPath: PathLike, newPath: PathLike): RootCall<undefined> {
  const [path, dest] = [validatePath(existingPath, 'existingPath'), validatePath(newPath, 'newPath')]
  state.audit(auditLink, [existingPath, newPath], 2)
  return {
    state,
    make: (later) => native.rootLink(later, state.handle, path, dest),
    caller: 'Root.link',
    path,
    dest,
  }
}

export function symlinkCall(state: RootState, target: PathLike, path: PathLike): RootCall<undefined> {
  const [text, checked] = [validatePath(target, 'target'), validatePath(path)]
  state.audit(auditSymlink, [target, path])
  return {
    state,
    make: (later) => native.rootSymlink(later, state.handle, text, checked),
    caller: 'Root.symlink',
    path: text,
    dest: checked,
  }
}

export function chmodCall(state: RootState, path: PathLike, mode: number | string): RootCall<undefined> {
  const checked = validatePath(path)
  const bits = parseMode(mode, 'mode')
  state.audit(auditChmod, [path, bits])
  return {
    state,
    make: (later) => native.rootChmod(later, state.handle, checked, bits),
    caller: 'Root.chmod',
    path: checked,
  }
}

export function chownCall(state: RootState, path: PathLike, uid: number, gid: number): RootCall<undefined> {
  const checked = validatePath(path)
  const [user, group] = [validateId(uid, 'uid'), validateId(gid, 'gid')]
  state.audit(auditChown, [path, uid, gid])
  return {
    state,
    make: (later) => native.rootChown(later, state.handle, checked, user, group),
    caller: 'Root.chown',
    path: checked,
  }
}

/** A time as node:fs takes it: seconds since 1970, also in a string, or a date. */
export type TimeLike = string | number | Date

function validateTime(value: unknown, name: string) {
  const isText = typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
  const time = isText ? Number(value) : value
  if (typeof time !== 'number' && !isDate(time)) {
    throw invalidArgType(name, 'of type number or an instance of Date', value)
  }
  return parseTime(time, name)
}

export function utimesCall(
  state: RootState,
  path: PathLike,
  atime: TimeLike,
  mtime: TimeLike,
): RootCall<undefined> {
  const checked = validatePath(path)
  const [access, change] = [validateTime(atime, 'atime'), validateTime(mtime, 'mtime')]
  const times = Object.freeze([access.given, change.given])
  state.audit(auditUtime, [path, times, undefined])
  return {
    state,
    make: (later) => native.rootUtimes(later, state.handle, checked, ...access.time, ...change.time),
    caller: 'Root.utimes',
    path: checked,
  }
}

export function truncateCall(state: RootState, path: PathLike, len: number = 0): RootCall<undefined> {
  const checked = validatePath(path)
  const size = validateBytes(len, 'len')
  auditTruncate(path, size)
  return {
    state,
    make: (later) => native.rootTruncate(later, state.handle, checked, size),
    caller: 'Root.truncate',
    path: checked,
  }
}
