// Stand-ins for fs.Dirent.
import { Dirent as NodeDirent } from 'node:fs'
import { posix } from 'node:path'

// The numbers that readdir(3) uses.
const types = { FIFO: 1, CHR: 2, DIR: 4, BLK: 6, REG: 8, LNK: 10, SOCK: 12 }

// A symbol instead of a private field: a Proxy of an entry, or an object that inherits from it, has no
// private fields.
const TYPE = Symbol('type')

/**
 * An entry of a directory, as returned by {@link Root.readdir}. It can be used as an `fs.Dirent`. The
 * methods tell the type of the entry itself and make no system call: a symbolic link is neither a
 * file nor a directory.
 */
export interface Dirent<Name extends string | Buffer = string> {
  /** The name of the entry. */
  readonly name: Name
  /** The path of the directory that contains it: the path that was listed and the names below it. */
  readonly parentPath: string
  /** The same as `parentPath`. */
  readonly path: string
  isBlockDevice(): boolean
  isCharacterDevice(): boolean
  isDirectory(): boolean
  isFIFO(): boolean
  isFile(): boolean
  isSocket(): boolean
  isSymbolicLink(): boolean
}

class Entry implements Dirent<string | Buffer> {
  readonly name: string | Buffer
  readonly parentPath: string
  readonly path: string
  readonly [TYPE]: number

  constructor(name: string | Buffer, parentPath: string, type: number) {
    this.name = name
    this.parentPath = parentPath
    this.path = parentPath
    this[TYPE] = type
  }

  isBlockDevice(): boolean {
    return this[TYPE] === types.BLK
  }

  isCharacterDevice(): boolean {
    return this[TYPE] === types.CHR
  }

  isDirectory(): boolean {
    return this[TYPE] === types.DIR
  }

  isFIFO(): boolean {
    return this[TYPE] === types.FIFO
  }

  isFile(): boolean {
    return this[TYPE] === types.REG
  }

  isSocket(): boolean {
    return this[TYPE] === types.SOCK
  }

  isSymbolicLink(): boolean {
    return this[TYPE] === types.LNK
  }
}

// The name that `console.log` shows.
Object.defineProperty(Entry, 'name', { value: 'Dirent' })

// `instanceof fs.Dirent` gives the same answer as for node:fs.
Object.setPrototypeOf(Entry.prototype, NodeDirent.prototype)

const SLASH = 0x2f

/** Collects the entries of a directory, or of a directory and those in it. */
export class EntrySink {
  readonly entries: Dirent<string | Buffer>[] = []
  readonly #top: string
  readonly #decode: (name: string | Buffer) => string | Buffer

  constructor(top: string, decode: (name: string | Buffer) => string | Buffer) {
    this.#top = top
    this.#decode = decode
  }

  /** Receives four values for each entry: path, type, type of a link's target, inode number. */
  readonly add = (...values: unknown[]): void => this.addAll(values)

  addAll(values: readonly unknown[]): void {
    for (let at = 0; at < values.length; at += 4) {
      const path = values[at] as string | Buffer
      const slash = typeof path === 'string' ? path.lastIndexOf('/') : path.lastIndexOf(SLASH)
      const name = typeof path === 'string' ? path.slice(slash + 1) : path.subarray(slash + 1)
      this.entries.push(new Entry(this.#decode(name), this.#parentOf(path, slash), values[at + 1] as number))
    }
  }

  #parentOf(path: string | Buffer, slash: number): string {
    if (slash <= 0) return this.#top
    const below = typeof path === 'string' ? path.slice(0, slash) : path.toString('utf8', 0, slash)
    return posix.join(this.#top, below)
  }
}
