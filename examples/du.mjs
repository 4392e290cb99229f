// @ts-check
// Lists the largest directories, like `du -b DIR | sort -rn | head -20`, and the total, like `du
// -sb DIR`.
//
//   node examples/du.mjs DIR
//
// The walk looks at every entry on several threads, through descriptors, so an entry that is renamed
// while the program runs is never counted wrong. The report is written to a sealed memory file,
// which `sort` inherits and reads as /dev/fd/3.
import { execFileSync } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

import {
  addSeals,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  lstat,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  memfdCreate,
  stat,
} from 'fdkit'
import { fwalk } from 'fdkit/promises'

const USAGE = `usage: du [DIR]

Prints the 20 largest directories below DIR (by default the working directory), each with
everything below it, and the total. A file with several names counts once. Sizes are apparent
sizes in bytes, as with du -b.

In names, \\n, \\t, \\\\ and the like stand for control characters and the backslash, and \\xNN for a
byte that is not UTF-8.
`

const LARGEST = 20

/** @param {number} bytes */
function human(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = bytes < 1024 ? 0 : Math.min(5, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

// Matches everything that could move the cursor or reorder the line, and the bytes that are not
// UTF-8, which fdkit returns as U+DC80 to U+DCFF.
const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/gu
/** @type {Record<string, string>} */
const letters = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f', '\v': '\\v' }

/**
 * Escapes a name so that a terminal can show it. Different names stay different.
 *
 * @param {string} name
 */
function printable(name) {
  // Most names are like this, and the test is ten times as fast.
  if (/^[ -[\]-~]*$/.test(name)) return name
  return name.replace(harmful, (character) => {
    const code = character.codePointAt(0) ?? 0
    const isByte = code >= 0xdc80 && code <= 0xdcff
    if (letters[character] !== undefined) return letters[character]
    if (isByte || code < 0x80) return `\\x${(code & 0xff).toString(16).padStart(2, '0')}`
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/**
 * Truncates a text to a number of columns. A character beyond ASCII counts as two, the most that it
 * takes.
 *
 * @param {string} text
 * @param {number} columns
 */
function fit(text, columns) {
  let used = 0
  let shown = ''
  for (const character of text) {
    used += character > '~' ? 2 : 1
    if (used > columns) break
    shown += character
  }
  return shown
}

/** The line on the terminal that shows the progress of the program. */
const progress = {
  directories: 0,
  bytes: 0,
  isShown: false,
  nextAt: Date.now() + 100,
  /**
   * Shows the line ten times a second, and lets the process handle Ctrl-C.
   *
   * @param {string} path
   */
  async show(path) {
    if (process.stderr.isTTY) {
      this.isShown = true
      const text = `${this.directories} directories, ${human(this.bytes)}, ${printable(path)}`
      process.stderr.write(`\r\x1b[K${fit(text, (process.stderr.columns || 80) - 1)}`)
    }
    await setImmediate()
    this.nextAt = Date.now() + 100
  },
  clear() {
    if (this.isShown) process.stderr.write('\r\x1b[K')
    this.isShown = false
  },
}

let isComplete = true

/** @param {unknown} error */
function complain(error) {
  progress.clear()
  console.error(`du: ${printable(error instanceof Error ? error.message : String(error))}`)
  isComplete = false
}

/**
 * Ends the process as if the signal had its default effect.
 *
 * @param {NodeJS.Signals} signal
 */
function endBy(signal) {
  progress.clear()
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

// A file with several links is counted once, in the first directory that has it.
/** @type {Set<string>} */
const linked = new Set()

/**
 * Returns the size of an entry that is not a directory.
 *
 * @param {string} name
 * @param {import('node:fs').Stats | undefined} stats
 * @param {number} dirFd
 */
function sizeOf(name, stats, dirFd) {
  // Most files have one name.
  if (stats !== undefined && stats.nlink === 1) return stats.size
  try {
    // Inode numbers can be too large for a number. If the walk could not examine the entry, this
    // throws the reason.
    const { dev, ino, nlink, size } = lstat(name, { dirFd, bigint: true })
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

// How many entries are looked at between two looks at the clock.
const ENTRIES = 1024

/**
 * Measures each directory with everything below it, and passes it to `report` when its size is
 * known. Returns the size of the top, or `undefined` if it is not a directory.
 *
 * @param {string} top
 * @param {(path: string, bytes: number) => void} report
 */
async function measure(top, report) {
  // Sizes of what is in the directories whose parents have not been visited yet.
  /** @type {Map<string, number>} */
  const sizes = new Map()
  const walk = fwalk(top, { topdown: false, onerror: complain, stats: true })
  for await (const [path, dirnames, filenames, dirFd, stats] of walk) {
    let bytes = 0
    let entries = 0
    for (const name of filenames) {
      bytes += sizeOf(name, stats.get(name), dirFd)
      if (++entries % ENTRIES === 0 && Date.now() >= progress.nextAt) await progress.show(path)
    }
    progress.bytes += bytes
    for (const name of dirnames) {
      const child = path.endsWith('/') ? path + name : `${path}/${name}`
      const below = sizes.get(child)
      const found = stats.get(name)
      // Symbolic links, and directories that could not be read, count only with their own size.
      const own = found?.isDirectory() ? found.size : sizeOf(name, found, dirFd)
      bytes += own
      progress.bytes += own
      if (below === undefined) continue
      sizes.delete(child)
      report(child, own + below)
      bytes += below
    }
    sizes.set(path, bytes)
    progress.directories++
    if (Date.now() >= progress.nextAt) await progress.show(path)
  }
  const below = sizes.get(top)
  if (below === undefined) return undefined
  const total = below + stat(top).size
  report(top, total)
  return total
}

/**
 * Sorts the lines of a memory file, the largest number first.
 *
 * @param {number} report
 */
function sortLines(report) {
  // From here on, nobody can change the report, not even the child that reads it.
  addSeals(report, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
  const output = execFileSync('sort', ['-rn', '/dev/fd/3'], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: Infinity,
    stdio: ['ignore', 'pipe', 'inherit', report],
  })
  return output.split('\n')
}

/** @param {string} path */
function isLink(path) {
  try {
    return !path.endsWith('/') && lstat(path).isSymbolicLink()
  } catch {
    // The walk reports what is wrong with the path.
    return false
  }
}

/** @param {string} top */
async function main(top) {
  if (isLink(top)) {
    throw new Error(`${top} is a symbolic link; write ${top}/ to measure what it leads to`)
  }
  const report = memfdCreate('du', MFD_CLOEXEC | MFD_ALLOW_SEALING)
  let text = ''
  const flush = () => {
    writeSync(report, text)
    text = ''
  }
  /** @type {number | undefined} */
  let total
  try {
    total = await measure(top, (path, bytes) => {
      text += `${bytes}\t${printable(path)}\n`
      if (text.length >= 2 ** 16) flush()
    })
  } finally {
    progress.clear()
  }
  if (total === undefined) return
  flush()
  const lines = sortLines(report)
  closeSync(report)
  for (const line of lines.slice(0, LARGEST)) {
    const [bytes, path] = line.split('\t')
    if (path !== undefined) console.log(`${human(Number(bytes)).padStart(10)}  ${path}`)
  }
  console.log(`${human(total).padStart(10)}  total: ${total} bytes`)
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    // The reader of the output has enough, for example `head`.
    if ('code' in error && error.code === 'EPIPE') process.exit()
    throw error
  })
}
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => endBy(signal))

const args = process.argv.slice(2)
const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
const operands = args.filter((arg, index) => arg !== '--' || index !== options.length)
const unknown = options.find((arg) => /^-./.test(arg) && arg !== '--help' && arg !== '-h')

if (options.includes('--help') || options.includes('-h')) {
  process.stdout.write(USAGE)
} else if (unknown !== undefined || operands.length > 1) {
  const wrong =
    unknown === undefined
      ? `one directory only, not ${operands.length}`
      : `no such option: ${printable(unknown)}`
  console.error(`du: ${wrong}\n\n${USAGE}`)
  process.exitCode = 2
} else {
  try {
    await main(operands[0] ?? '.')
  } catch (error) {
    const signal = error instanceof Error && 'signal' in error ? error.signal : undefined
    // `sort` gets the signals of the terminal, too.
    if (typeof signal === 'string') endBy(/** @type {NodeJS.Signals} */ (signal))
    complain(error)
  }
  if (!isComplete) process.exitCode = 1
}
