// Which directories are the largest? As `du -b DIR | sort -rn | head -20`, and `du -sb DIR`.
//
//   npm start -- DIR
//
// Sizes are read through descriptors, so nothing that is renamed meanwhile is counted wrong. The
// report is written to a sealed file in memory, which `sort` inherits and reads as /dev/fd/3.
import { execFileSync } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'

import {
  addSeals,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  fwalk,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  memfdCreate,
  stat,
} from 'fdkit'

const LARGEST = 20

function human(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = bytes < 1024 ? 0 : Math.min(5, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

const progress = {
  shownAt: 0,
  show(text: string) {
    if (!process.stderr.isTTY || Date.now() - this.shownAt < 100) return
    this.shownAt = Date.now()
    process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`)
  },
  clear() {
    if (this.shownAt !== 0) process.stderr.write('\r\x1b[K')
  },
}

let isComplete = true

function complain(error: unknown) {
  progress.clear()
  console.error(`du: ${(error as Error).message}`)
  isComplete = false
}

// A file with several links counts where it is met first.
const linked = new Set<string>()

function size(name: string, dirFd: number): number {
  try {
    const { dev, ino, nlink, size } = stat(name, { dirFd, followSymlinks: false, bigint: true })
    if (nlink > 1n) {
      const identity = `${dev}:${ino}`
      if (linked.has(identity)) return 0
      linked.add(identity)
    }
    return Number(size)
  } catch (error) {
    complain(error)
    return 0
  }
}

/** The bytes of each directory with all that is below it, in the order in which they are known. */
function* directorySizes(top: string): Generator<[path: string, bytes: number]> {
  // Of directories whose parents are still to come.
  const sizes = new Map<string, number>()
  for (const [path, dirnames, filenames, dirFd] of fwalk(top, { topdown: false, onerror: complain })) {
    let bytes = stat(dirFd).size
    for (const name of filenames) bytes += size(name, dirFd)
    for (const name of dirnames) {
      const child = path.endsWith('/') ? path + name : `${path}/${name}`
      // Links, and directories that could not be read, have only their own size.
      bytes += sizes.get(child) ?? size(name, dirFd)
      sizes.delete(child)
    }
    sizes.set(path, bytes)
    progress.show(`${human(bytes)} ${path}`)
    yield [path, bytes]
  }
  progress.clear()
}

const top = process.argv[2] ?? '.'
const report = memfdCreate('du', MFD_CLOEXEC | MFD_ALLOW_SEALING)
let total: number | undefined
try {
  for (const [path, bytes] of directorySizes(top)) {
    writeSync(report, `${bytes}\t${path}\0`)
    total = bytes
  }
} catch (error) {
  complain(error)
}
if (total === undefined) process.exit(1)

// From here on nobody can change what was measured, the child that reads it included.
addSeals(report, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
const sorted = execFileSync('sort', ['-z', '-rn', '/dev/fd/3'], {
  encoding: 'utf8',
  env: { ...process.env, LC_ALL: 'C' },
  maxBuffer: Infinity,
  stdio: ['ignore', 'pipe', 'inherit', report],
})
closeSync(report)

for (const line of sorted.split('\0', LARGEST)) {
  const tab = line.indexOf('\t')
  if (tab !== -1) console.log(`${human(Number(line.slice(0, tab))).padStart(10)}  ${line.slice(tab + 1)}`)
}
console.log(`${human(total).padStart(10)}  total: ${total} bytes`)
if (!isComplete) process.exitCode = 1
