// Making a Memfd: its options, the memory that is reserved for it, and what is in it from the start.
import {
  F_SEAL_SEAL,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGE_SHIFT,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
} from '../constants.js'
import type { Failure, Outcome } from '../runtime/binding.js'
import { because, errorCode, isFailure, outOfRange, systemError, type Name } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { optionsOf } from '../runtime/options.js'
import { validateBoolean, validateBytes, validateName, validateSignal } from '../runtime/validate.js'
import { availableMemory, hugePageSizes, TOO_FEW_HUGE_PAGES } from './available.js'
import { asyncPiecesOf, piecesOf, type AsyncContents, type SyncContents } from './chunks.js'
import { validateContents, writeBytes } from './contents.js'
import { addSeals, getSeals } from './memfd.js'

/** Options of {@link Memfd.create}. */
export interface MemfdOptions {
  /**
   * Size in bytes, all of which are reserved: if there is no memory for them, that is ENOSPC now. By
   * default as many as `contents` has.
   */
  size?: number | undefined
  /**
   * What is in it from the start: a string (as UTF-8), bytes, or an iterable of those, which are
   * written one after another. What `size` has beyond that is zeros.
   */
  contents?: SyncContents | undefined
  /** Whether seals may be added; `true` by default. */
  sealing?: boolean | undefined
  /** Whether it may be executed; `false` by default, for good (from Linux 6.3). */
  exec?: boolean | undefined
  /**
   * Size in bytes of the huge pages that it is to live in, one of {@link hugePageSizes}; `size` is then
   * a multiple of it.
   */
  hugePageSize?: number | undefined
  /** Whether child processes inherit the descriptor; `false` by default. */
  inheritable?: boolean | undefined
}

/** Options of {@link createMemfd}. */
export interface AsyncMemfdOptions extends Omit<MemfdOptions, 'contents'> {
  /**
   * What is in it from the start: as for `Memfd.create`, or an async iterable of strings and bytes (a
   * stream), a `Blob`, or a `Response`.
   */
  contents?: AsyncContents | undefined
  /** Ends it with an AbortError, and closes the file. */
  signal?: AbortSignal | undefined
}

function validateHugePageSize(value: unknown, name: string): number {
  // A logarithm of 0 would stand for the default size.
  const size = validateBytes(value, name, 2)
  if (!Number.isInteger(Math.log2(size))) throw outOfRange(name, 'a power of 2', size)
  return size
}

const memfdOptions = {
  size: validateBytes,
  sealing: validateBoolean,
  exec: validateBoolean,
  inheritable: validateBoolean,
  hugePageSize: validateHugePageSize,
}
const readCreate = optionsOf('Memfd.create', { contents: piecesOf, ...memfdOptions })
const readCreateAsync = optionsOf('createMemfd', { contents: asyncPiecesOf, signal: validateSignal, ...memfdOptions })

type Plan = Omit<ReturnType<typeof readCreate>, 'contents'> & { name: Name }

/** The arguments, checked. The contents come in pieces. */
export const planSync = (name: unknown, options: unknown) => planOf(name, readCreate(options))
export const planAsync = (name: unknown, options: unknown) => planOf(name, readCreateAsync(options))

function planOf<Options extends ReturnType<typeof readCreate | typeof readCreateAsync>>(name: unknown, options: Options) {
  const checked = validateName(name, 'name')
  const { size = 0, hugePageSize = 1 } = options
  if (size % hugePageSize !== 0) throw outOfRange('options.size', `a multiple of ${hugePageSize}`, size)
  return { ...options, name: checked }
}

// Below that it costs more to find out what is left than to take it.
const MUCH = 2 ** 24

function describeNoSpace(failure: Failure, isHuge: boolean): Error {
  const isFull = errorCode(failure) === 'ENOSPC'
  return because(failure, isFull && isHuge ? TOO_FEW_HUGE_PAGES : undefined)
}

function make(name: Name, flags: number): Outcome<number> {
  return native.memfdCreate(false, name, flags >>> 0) as Outcome<number>
}

function makeFd({ name, sealing = true, exec = false, inheritable = false, hugePageSize }: Plan): number {
  let flags = (inheritable ? 0 : MFD_CLOEXEC) | (sealing ? MFD_ALLOW_SEALING : 0)
  if (hugePageSize !== undefined) flags |= MFD_HUGETLB | (Math.log2(hugePageSize) << MFD_HUGE_SHIFT)
  let result = make(name, flags | (exec ? MFD_EXEC : MFD_NOEXEC_SEAL))
  // Before Linux 6.3 it knows neither, and all memory files may be executed.
  if (isFailure(result) && errorCode(result) === 'EINVAL') result = make(name, flags)
  if (!isFailure(result)) return result
  if (hugePageSize === undefined || errorCode(result) !== 'ENODEV') throw systemError(result)
  const sizes = hugePageSizes().join(' and ') || 'none'
  const reason = `this machine has no huge pages of ${hugePageSize} bytes, but of ${sizes}`
  throw because(result, reason)
}

/** A file that is being made, and that nobody else has yet. */
export class Filling {
  readonly fd: number
  readonly #plan: Plan
  #reserved = 0
  // Bytes that were reserved since it was last looked at what the machine has.
  #unchecked = 0
  #position = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.fd = makeFd(plan)
  }

  /** Reserves what was asked for; to be called before anything is appended. */
  start(): void {
    this.#reserve(this.#plan.size ?? 0)
  }

  append(piece: unknown): void {
    const bytes = validateContents(piece, 'options.contents')
    const end = this.#position + bytes.length
    const { size } = this.#plan
    if (size === undefined) this.#reserve(end)
    else if (end > size) throw outOfRange('options.size', `>= ${end}`, size)
    // Nobody has it who could make it shorter.
    writeBytes(this.fd, bytes, this.#position, true)
    this.#position = end
  }

  /** Sees to it that no seals can be added, if that was asked for. */
  end(): void {
    const { sealing = true } = this.#plan
    // MFD_NOEXEC_SEAL allows seals.
    if (!sealing && !(getSeals(this.fd) & F_SEAL_SEAL)) addSeals(this.fd, F_SEAL_SEAL)
  }

  #reserve(end: number): void {
    const { hugePageSize } = this.#plan
    const isHuge = hugePageSize !== undefined
    const page = hugePageSize ?? 1
    const needed = Math.ceil(end / page) * page
    const length = needed - this.#reserved
    if (length <= 0) return
    this.#unchecked += length
    if (!isHuge && this.#unchecked >= MUCH) {
      // The kernel would not refuse: it would end processes, this one among them.
      if (length > availableMemory()) {
        const { ENOSPC } = process.getBuiltinModule('node:os').constants.errno
        throw describeNoSpace({ errno: -ENOSPC, syscall: 'fallocate' }, false)
      }
      this.#unchecked = 0
    }
    const result = native.fallocate(this.fd, this.#reserved, length)
    if (isFailure(result)) throw describeNoSpace(result, isHuge)
    this.#reserved = needed
  }
}
