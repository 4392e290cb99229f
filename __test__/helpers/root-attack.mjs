// A process that works in a Root while others exchange directories and links. It makes as many
// operations as it is asked for, and reports how many there were, how many of them succeeded or were
// refused because they lead out, and whether something from outside was read. With `control`, it
// resolves paths by node:fs instead. With `mounts`, the Root stays on its mounted file system.
import * as fs from 'node:fs'

import * as sync from 'fdkit'
import * as promises from 'fdkit/promises'

const [top, kind, count, seed] = process.argv.slice(2)
let state = Number(seed) || 1
// A small generator of random numbers, so that a run can be repeated.
const below = (bound) => {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % bound
}
const parts = ['a', 'b', 'c', 'file', 'out', 'deep', 'er', 'est', 'link', '..', '..', 'new', 'outside', '.']
if (kind === 'mounts') parts.push('mount', 'mount', 'mount')
const path = () =>
  Array.from({ length: 1 + below(5) }, () => parts[below(parts.length)]).join('/') +
  (below(9) === 0 ? '/' : '')

let [secrets, succeeded, escapes] = [0, 0, 0]
const look = (data) => {
  if (String(data).includes('secret')) secrets++
}
const operations = [
  (root) => root.readFile(path(), { flag: fs.constants.O_RDONLY | fs.constants.O_NONBLOCK }),
  (root) => root.readFile(path(), 'utf8'),
  (root) => root.readdir(path(), { recursive: true }),
  (root) => root.readdir(path()),
  (root) => root.stat(path()),
  (root) => root.lstat(path()),
  (root) => root.readlink(path()),
  (root) => root.realpath(path()),
  (root) => root.access(path()),
  (root) => root.exists(path()),
  (root) => root.writeFile(path(), 'x'),
  (root) => root.writeFile(path(), 'x', { atomic: true }),
  (root) => root.appendFile(path(), 'x'),
  (root) => root.truncate(path()),
  (root) => root.unlink(path()),
  (root) => root.rmdir(path()),
  (root) => root.rm(path(), { recursive: true, force: true }),
  (root) => root.mkdir(path(), { recursive: below(2) === 0 }),
  (root) => root.mkdtemp(path()),
  (root) => root.rename(path(), path(), { exchange: below(2) === 0 }),
  (root) => root.link(path(), path()),
  (root) => root.symlink(path(), path()),
  (root) => root.chmod(path(), 0o711),
  (root) => root.utimes(path(), 1, 1),
]

async function make(root) {
  try {
    look(await operations[below(operations.length)](root))
    succeeded++
  } catch ({ code }) {
    // Most paths fail for one reason or another.
    if (code === 'ERR_FDKIT_ESCAPE') escapes++
  }
}

async function walk(root) {
  try {
    for await (const [, , names, dirFd] of root.fwalk(path(), { threads: below(2) })) {
      for (const name of names) look(sync.exists(name, { dirFd }) && name)
    }
  } catch {}
}

const BATCH = 32
let done = 0
if (kind === 'control') {
  for (; done < count; done++) {
    try {
      look(fs.readFileSync(`${top}/a/b/file`))
    } catch {}
    if (secrets > 0) break
  }
} else {
  const options = { crossDevice: kind !== 'mounts' }
  const isSync = kind !== 'promises'
  const root = isSync ? sync.openRoot(top, options) : await promises.openRoot(top, options)
  while (done < count) {
    if (isSync) {
      await make(root)
      done++
    } else {
      await Promise.all(Array.from({ length: BATCH }, () => make(root)))
      done += BATCH
    }
    if (below(64) === 0) await walk(root)
  }
  await root.close()
}
console.log(JSON.stringify({ done, succeeded, escapes, secrets }))
