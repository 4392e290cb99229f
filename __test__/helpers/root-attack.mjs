// A process that works in a Root while others exchange directories and links. It makes operations for
// as long as it is asked for, and reports how many, and whether it read something from outside. With
// `control`, it resolves paths by node:fs instead.
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
const path = () =>
  Array.from({ length: 1 + below(5) }, () => parts[below(parts.length)]).join('/') +
  (below(9) === 0 ? '/' : '')

let secrets = 0
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
  } catch {
    // Nearly every path fails for one reason or another.
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
  const root = kind === 'sync' ? sync.openRoot(top) : await promises.openRoot(top)
  while (done < count) {
    if (kind === 'sync') {
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
console.log(JSON.stringify({ done, secrets }))
