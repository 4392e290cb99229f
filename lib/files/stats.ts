// Stand-ins for fs.Stats and fs.BigIntStats, with the same fields in the same order.
import type * as fs from 'node:fs'
import { constants, Stats as NodeStats } from 'node:fs'

const { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } = constants

function date(milliseconds: number | bigint): Date {
  return new Date(Math.round(Number(milliseconds)))
}

// A function, not a private method: a Proxy, or an object from Object.create, has no private
// methods.
function is({ mode }: { mode: number | bigint }, type: number): boolean {
  return (Number(mode) & S_IFMT) === type
}

class StatsBase<T extends number | bigint> implements fs.StatsBase<T> {
  dev: T
  mode: T
  nlink: T
  uid: T
  gid: T
  rdev: T
  blksize: T
  ino: T
  size: T
  blocks: T
  atimeMs: T
  mtimeMs: T
  ctimeMs: T
  birthtimeMs: T
  declare atime: Date
  declare mtime: Date
  declare ctime: Date
  declare birthtime: Date

  // prettier-ignore
  constructor(
    dev: T, mode: T, nlink: T, uid: T, gid: T, rdev: T, blksize: T, ino: T, size: T, blocks: T,
    atimeMs: T, mtimeMs: T, ctimeMs: T, birthtimeMs: T,
  ) {
    this.dev = dev
    this.mode = mode
    this.nlink = nlink
    this.uid = uid
    this.gid = gid
    this.rdev = rdev
    this.blksize = blksize
    this.ino = ino
    this.size = size
    this.blocks = blocks
    this.atimeMs = atimeMs
    this.mtimeMs = mtimeMs
    this.ctimeMs = ctimeMs
    this.birthtimeMs = birthtimeMs
  }

  isBlockDevice(): boolean {
    return is(this, S_IFBLK)
  }

  isCharacterDevice(): boolean {
    return is(this, S_IFCHR)
  }

  isDirectory(): boolean {
    return is(this, S_IFDIR)
  }

  isFIFO(): boolean {
    return is(this, S_IFIFO)
  }

  isFile(): boolean {
    return is(this, S_IFREG)
  }

  isSocket(): boolean {
    return is(this, S_IFSOCK)
  }

  isSymbolicLink(): boolean {
    return is(this, S_IFLNK)
  }
}

// A date is created when it is first read, and can be replaced, as in node:fs.
for (const name of ['atime', 'mtime', 'ctime', 'birthtime'] as const) {
  Object.defineProperty(StatsBase.prototype, name, {
    configurable: true,
    enumerable: true,
    get(this: StatsBase<number | bigint>) {
      this[name] = date(this[`${name}Ms`])
      return this[name]
    },
    set(this: StatsBase<number | bigint>, value: Date) {
      Object.defineProperty(this, name, {
        __proto__: null,
        configurable: true,
        enumerable: true,
        value,
        writable: true,
      } as PropertyDescriptor)
    },
  })
}

export class Stats extends StatsBase<number> {}

// `instanceof fs.Stats` gives the same answer as for node:fs: true for `Stats`, false for
// `BigIntStats`. So the inherited members are on a separate prototype that descends from node:fs's.
const members = Object.getOwnPropertyDescriptors(StatsBase.prototype)
Object.setPrototypeOf(Stats.prototype, Object.create(NodeStats.prototype, members))

// Rounds as node:fs does: towards 1970.
const milliseconds = (seconds: bigint, nanoseconds: bigint) =>
  (seconds * 1_000_000_000n + nanoseconds) / 1_000_000n

export class BigIntStats extends StatsBase<bigint> implements fs.BigIntStats {
  atimeNs: bigint
  mtimeNs: bigint
  ctimeNs: bigint
  birthtimeNs: bigint

  // prettier-ignore
  constructor(
    dev: bigint, mode: bigint, nlink: bigint, uid: bigint, gid: bigint, rdev: bigint, blksize: bigint,
    ino: bigint, size: bigint, blocks: bigint,
    atime: bigint, atimeNs: bigint, mtime: bigint, mtimeNs: bigint,
    ctime: bigint, ctimeNs: bigint, birthtime: bigint, birthtimeNs: bigint,
  ) {
    super(
      dev, mode, nlink, uid, gid, rdev, blksize, ino, size, blocks,
      milliseconds(atime, atimeNs), milliseconds(mtime, mtimeNs),
      milliseconds(ctime, ctimeNs), milliseconds(birthtime, birthtimeNs),
    )
    this.atimeNs = atime * 1_000_000_000n + atimeNs
    this.mtimeNs = mtime * 1_000_000_000n + mtimeNs
    this.ctimeNs = ctime * 1_000_000_000n + ctimeNs
    this.birthtimeNs = birthtime * 1_000_000_000n + birthtimeNs
  }
}
