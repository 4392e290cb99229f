// The status of the entries that a walk yields.
import { Buffer } from 'node:buffer'
import type * as fs from 'node:fs'
import { isUint8Array } from 'node:util/types'

import type { Handle, Walk } from '../runtime/binding.js'
import { FIELDS, StatTable, type AnyStats } from '../files/stat.js'
import { native } from '../runtime/native.js'

/** The status of the entries of a directory, which {@link fwalk} yields with `stats: true`. */
export interface FwalkStats<
  Name extends string | Buffer = string,
  Stats extends fs.Stats | fs.BigIntStats = fs.Stats,
> {
  /**
   * Returns the status of an entry, without following a symbolic link: an object that can be used
   * as an `fs.Stats`, or as an `fs.BigIntStats` with `bigint: true`. Returns `undefined` for a name
   * that was not listed, and for an entry that could not be examined: it disappeared, or the
   * directory may not be searched.
   *
   * The entry was examined when the directory was listed. The result stays valid after the walk.
   */
  get(name: Name): Stats | undefined
}

// The number of entries whose status is passed to JavaScript in one turn of the event loop.
const TURN = 4096

/** Collects the status of the entries of one directory. */
export class StatsSink {
  readonly #bigint: boolean
  #fields = new BigUint64Array(0)
  // How many entries are complete.
  #done = 0

  constructor(bigint: boolean) {
    this.#bigint = bigint
  }

  /** Takes the status of up to `most` of `count` entries. Returns whether there are more. */
  drain(walk: Handle<Walk>, count: number, most = TURN): boolean {
    if (this.#done === 0) this.#fields = new BigUint64Array(count * FIELDS)
    const end = Math.min(count, this.#done + most)
    native.walkStats(walk, this.#bigint, this.#done, this.#fields.subarray(this.#done * FIELDS, end * FIELDS))
    this.#done = end
    return end < count
  }

  /** Returns what was collected, for these names. */
  take(names: (string | Buffer)[]): EntryStats {
    const table = new StatTable(this.#fields, this.#bigint)
    this.#done = 0
    return new EntryStats(names.map(keyOf), table)
  }
}

/** Returns what stands for a name: bytes are one character each. */
function keyOf(name: unknown): string | undefined {
  if (typeof name === 'string') return name
  if (!isUint8Array(name)) return undefined
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1')
}

class EntryStats implements FwalkStats<string | Buffer, AnyStats> {
  readonly #keys: (string | undefined)[]
  readonly #table: StatTable
  #indices: Map<string | undefined, number> | undefined
  // Most callers ask for the names in their order.
  #next = 0

  constructor(keys: (string | undefined)[], table: StatTable) {
    this.#keys = keys
    this.#table = table
  }

  get(name: string | Buffer): AnyStats | undefined {
    const index = this.#indexOf(keyOf(name))
    return index === undefined ? undefined : this.#table.at(index)
  }

  #indexOf(key: string | undefined): number | undefined {
    if (key === undefined) return undefined
    if (this.#keys[this.#next] === key) return this.#next++
    this.#indices ??= new Map(this.#keys.map((key, index) => [key, index]))
    const index = this.#indices.get(key)
    if (index !== undefined) this.#next = index + 1
    return index
  }
}
