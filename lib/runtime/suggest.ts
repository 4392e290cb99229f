// Suggestions for options that do not exist.

/**
 * Returns the edit distance of two words: the least number of letters to insert, delete or replace.
 */
function distance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = above[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, above[column]! + 1, current[column - 1]! + 1))
    }
    above = current
  }
  return above[to.length]!
}

// Python has dir_fd, and some people write dirFD.
const plain = (name: string) => name.replaceAll(/[_-]/g, '').toLowerCase()

// Words for our options in Python, node:fs and well-known packages.
const synonyms = new Map([
  ['cwd', 'dirFd'],
  ['fd', 'dirFd'],
  ['onexc', 'onerror'],
  ['follow', 'followSymlinks'],
  ['bottomup', 'topdown'],
  ['force', 'ignoreErrors'],
])

// Options of node:fs that fdkit does not have. A key with a function's name applies to that
// function only.
const instead = new Map([
  ['mkdir.recursive', 'create each parent directory with a call of its own'],
  ['rmdir.recursive', 'rmtree removes a whole tree'],
  ['unlink.recursive', 'rmtree removes a whole tree'],
  ['rmtree.recursive', 'rmtree always removes the whole tree'],
  ['listdir.recursive', 'fwalk walks a whole tree'],
  ['scandir.recursive', 'fwalk walks a whole tree'],
  ['fwalk.recursive', 'to stay in one directory, empty dirnames or use listdir'],
  ['fwalk.withFileTypes', 'scandir has the types of entries'],
  ['listdir.withFileTypes', 'scandir has the types of entries'],
  ['scandir.withFileTypes', 'its entries always have types'],
  ['rmtree.force', 'ignoreErrors ignores all errors; to ignore only a missing path, catch ENOENT'],
  ['open.flags', 'the flags are the second argument'],
  ['open.flag', 'the flags are the second argument'],
  ['mkdir.mode', 'the mode is the second argument'],
  ['mkfifo.mode', 'the mode is the second argument'],
  ['mknod.mode', 'the mode is the second argument'],
  ['chmod.mode', 'the mode is the second argument'],
  ['access.mode', 'the mode is the second argument'],
  ['canAccess.mode', 'the mode is the second argument'],
  ['force', 'to ignore a missing path, catch ENOENT'],
  ['throwIfNoEntry', 'catch ENOENT, or ask exists'],
  ['encoding', 'names are Buffers if the path is a Buffer'],
  ['maxRetries', 'call it again'],
  ['retryDelay', 'call it again'],
  ['signal', 'of the functions that walk or delete, those of fdkit/promises take a signal'],
  ['bigint', 'only fwalk, stat, lstat, statAll and statvfs have it'],
  ['bufferSize', 'the directory is always read whole'],
  ['recursive', 'it acts on one name'],
])

/** Returns the name that was probably meant, if one is similar enough. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const scored = names.map((each) => ({ each, score: distance(plain(name), plain(each)) }))
  const [best] = scored.sort((a, b) => a.score - b.score)
  if (best === undefined) return undefined
  return best.score <= Math.max(1, Math.min(name.length, best.each.length) * 0.4) ? best.each : undefined
}

/** Returns how the message about an unknown option continues after "is not an option of NAME". */
export function suggest(caller: string, name: string, names: readonly string[]): string {
  const same = names.find((each) => plain(each) === plain(name))
  if (same !== undefined) return `; did you mean ${same}?`
  const advice = instead.get(`${caller}.${name}`)
  if (advice !== undefined) return `: ${advice}`
  const ends = names.filter((each) => each.endsWith('DirFd'))
  if (ends.length > 0 && /(^fd|cwd|dirfd)$/.test(plain(name))) return `; did you mean ${ends.join(' or ')}?`
  const synonym = synonyms.get(plain(name))
  if (synonym !== undefined && names.includes(synonym)) return `; did you mean ${synonym}?`
  const general = instead.get(name)
  if (general !== undefined) return `: ${general}`
  const meant = nearest(name, names)
  if (meant !== undefined) return `; did you mean ${meant}?`
  return names.length === 0 ? ', which has none' : `, which has ${names.join(', ')}`
}

// No function has more options.
const MOST_KEYS = 20

/**
 * Returns how a message continues if options were passed in place of another argument. It returns
 * `''` for an object that does not look like options.
 */
export function misplaced(caller: string, value: unknown, names: readonly string[]): string {
  // Bytes are not options, and Object.keys would return a key for each byte.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return ''
  const keys = Object.keys(value).slice(0, MOST_KEYS)
  const isOption = (key: string) => names.includes(key)
  const isMeant = (key: string) => /; did you|^: /.test(suggest(caller, key, names))
  if (!keys.some((key) => isOption(key) || isMeant(key))) return ''
  const unknown = keys.find((key) => !isOption(key))
  const note = '. The options are a later argument'
  return unknown === undefined
    ? note
    : `${note}, and ${unknown} is not one of them${suggest(caller, unknown, names)}`
}
