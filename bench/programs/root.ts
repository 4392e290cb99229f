// Operations on files below a directory: by node:fs, by a Root, and by their peers. Each run makes
// the operation on COUNT files, and prints the nanoseconds without those of the preparation.
import * as fs from 'node:fs'
import * as fsPromises from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { configureFsSafePython, root as openSafe } from '@openclaw/fs-safe'
import { openRoot } from 'fdkit'
import * as promises from 'fdkit/promises'
import writeFileAtomic from 'write-file-atomic'

const COUNT = 256
// The number of promises that are pending at a time.
const BATCH = 64

const [kind = '', operation = '', top = '', directory = ''] = process.argv.slice(2)
const data = Buffer.alloc(4096, 'x')
const names = Array.from({ length: COUNT }, (_, index) => `${operation}-${index}`)
const relative = names.map((name) => join(directory, name))
const absolute = relative.map((path) => join(top, path))

type Operation = (relative: string, absolute: string) => unknown
type Operations = Record<string, Operation>

// By default, it has a process in Python for what Node.js cannot do.
if (kind === 'safeAloneLater') configureFsSafePython({ mode: 'off' })

const root = openRoot(top)
const later = await promises.openRoot(top)
const safe = await openSafe(top, { hardlinks: 'allow', symlinks: 'follow-within-root', mkdir: false })

const safeLater: Operations = {
  readFile: (path) => safe.readBytes(path),
  stat: (path) => safe.stat(path),
  writeFile: (path) => safe.write(path, data),
  readdir: (path) => safe.list(path),
  unlink: (path) => safe.remove(path),
  atomic: (path) => safe.write(path, data),
}

const kinds: Record<string, Operations> = {
  node: {
    readFile: (_, path) => fs.readFileSync(path),
    stat: (_, path) => fs.statSync(path),
    writeFile: (_, path) => fs.writeFileSync(path, data),
    readdir: (_, path) => fs.readdirSync(path),
    unlink: (_, path) => fs.unlinkSync(path),
  },
  root: {
    readFile: (path) => root.readFile(path),
    stat: (path) => root.stat(path),
    writeFile: (path) => root.writeFile(path, data),
    readdir: (path) => root.readdir(path),
    unlink: (path) => root.unlink(path),
    atomic: (path) => root.writeFile(path, data, { atomic: true }),
  },
  nodeLater: {
    readFile: (_, path) => fsPromises.readFile(path),
    stat: (_, path) => fsPromises.stat(path),
    writeFile: (_, path) => fsPromises.writeFile(path, data),
    readdir: (_, path) => fsPromises.readdir(path),
    unlink: (_, path) => fsPromises.unlink(path),
  },
  rootLater: {
    readFile: (path) => later.readFile(path),
    stat: (path) => later.stat(path),
    writeFile: (path) => later.writeFile(path, data),
    readdir: (path) => later.readdir(path),
    unlink: (path) => later.unlink(path),
    atomic: (path) => later.writeFile(path, data, { atomic: true }),
  },
  safeLater,
  safeAloneLater: safeLater,
  // Without fsync, as the others.
  peer: { atomic: (_, path) => writeFileAtomic.sync(path, data, { fsync: false }) },
  peerLater: { atomic: (_, path) => writeFileAtomic(path, data, { fsync: false }) },
}

const run = kinds[kind]?.[operation]
if (run === undefined) throw new Error(`no operation is called ${kind} ${operation}`)

function prepare(): void {
  for (const path of absolute) {
    if (operation === 'readdir') {
      if (fs.existsSync(path)) continue
      fs.mkdirSync(path)
      for (let index = 0; index < 20; index++) fs.writeFileSync(join(path, `entry-${index}`), '')
    } else if (operation === 'unlink' || !fs.existsSync(path)) fs.writeFileSync(path, data)
  }
}

createInterface(process.stdin).on('line', async () => {
  prepare()
  const start = process.hrtime.bigint()
  if (kind.endsWith('Later')) {
    for (let first = 0; first < COUNT; first += BATCH) {
      const batch = relative.slice(first, first + BATCH)
      await Promise.all(batch.map((path, index) => run(path, absolute[first + index]!)))
    }
  } else for (const [index, path] of relative.entries()) run(path, absolute[index]!)
  console.log(String(process.hrtime.bigint() - start))
})
