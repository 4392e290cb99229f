// The status of files beneath a root, and the entries of directories.
import { auditListdir, NameSink, drainInTurns } from '../files/listing.js'
import { auditScandir } from '../files/scandir.js'
import { statsFrom, statsOf, type AnyStats } from '../files/stat.js'
import { native } from '../runtime/native.js'
import { validatePath, type PathLike } from '../runtime/validate.js'
import { EntrySink } from './dirent.js'
import * as options from './options.js'
import { finish, later, now, type RootCall, type RootState } from './state.js'

type Subject = Omit<RootCall<unknown>, 'make'>

const isMissing = (error: unknown) => /^(ENOENT|ENOTDIR)$/.test((error as NodeJS.ErrnoException).code ?? '')

export function statNow(
  state: RootState,
  path: PathLike,
  given: unknown,
  followSymlinks: boolean,
): AnyStats | undefined {
  const checked = validatePath(path)
  const read = followSymlinks ? options.readStat : options.readLstat
  const { bigint = false, throwIfNoEntry = true } = read(given)
  const subject: Subject = { state, caller: followSymlinks ? 'Root.stat' : 'Root.lstat', path: checked }
  try {
    return statsFrom(bigint, (fields) => {
      finish<undefined>(native.rootStat(state.handle, checked, followSymlinks, bigint, fields), subject)
    })
  } catch (error) {
    if (!throwIfNoEntry && isMissing(error)) return undefined
    throw error
  }
}

export async function statLater(
  stateOf: () => RootState,
  path: PathLike,
  given: unknown,
  followSymlinks: boolean,
): Promise<AnyStats> {
  const checked = validatePath(path)
  const state = stateOf()
  const read = followSymlinks ? options.readStatLater : options.readLstatLater
  const { bigint = false } = read(given)
  const subject: Subject = { state, caller: followSymlinks ? 'Root.stat' : 'Root.lstat', path: checked }
  const result = native.rootStatLater(state.handle, checked, followSymlinks, bigint)
  return statsOf(bigint, finish(await result, subject))
}

function listing(state: RootState, path: PathLike, given: unknown) {
  const checked = validatePath(path)
  const read = options.withEncoding(options.readReaddir, given)
  const { encoding, withFileTypes = false, recursive = false } = read
  if (withFileTypes) auditScandir(path)
  else auditListdir(path)
  const asBuffers = options.wantsBuffers(encoding)
  const decode = (name: string | Buffer) => options.decodeName(name, encoding)
  const subject: Subject = { state, caller: 'Root.readdir', path: checked }
  const entries: RootCall<unknown> = {
    ...subject,
    make: (isLater) => native.rootScandir(isLater, state.handle, checked, recursive, asBuffers),
  }
  const top = typeof checked === 'string' ? checked : Buffer.from(checked).toString()
  return { checked, withFileTypes, recursive, asBuffers, decode, subject, entries, top }
}

export function readdirNow(state: RootState, path: PathLike, given: unknown): unknown[] {
  const { checked, withFileTypes, recursive, asBuffers, decode, subject, entries, top } = listing(
    state,
    path,
    given,
  )
  if (withFileTypes) {
    const sink = new EntrySink(top, decode)
    sink.addAll(now(entries) as unknown[])
    return sink.entries
  }
  const sink = new NameSink<string | Buffer>()
  finish<undefined>(native.rootReaddir(state.handle, checked, recursive, asBuffers, sink.add), subject)
  return asBuffers ? sink.names.map(decode) : sink.names
}

export async function readdirLater(
  stateOf: () => RootState,
  path: PathLike,
  given: unknown,
): Promise<unknown[]> {
  const state = stateOf()
  const { checked, withFileTypes, recursive, asBuffers, decode, subject, entries, top } = listing(
    state,
    path,
    given,
  )
  if (withFileTypes) {
    const sink = new EntrySink(top, decode)
    const listed = (await later(() => entries)) as unknown[] | Parameters<typeof drainInTurns>[0]
    if (Array.isArray(listed)) sink.addAll(listed)
    else await drainInTurns(listed, sink.add)
    return sink.entries
  }
  const result = await native.rootReaddirLater(state.handle, checked, recursive, asBuffers)
  const listed = finish(result, subject) as (string | Buffer)[] | Parameters<typeof drainInTurns>[0]
  const sink = new NameSink<string | Buffer>()
  if (Array.isArray(listed)) sink.names = listed
  else await drainInTurns(listed, sink.add)
  return asBuffers ? sink.names.map(decode) : sink.names
}
