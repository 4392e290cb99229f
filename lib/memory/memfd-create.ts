// Creating a Memfd: its options, the memory that is reserved for it, and its initial contents.
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
   * The size in bytes; by default, the length of `contents`. All of it is reserved: if there is not
   * enough memory, creation fails with ENOSPC.
   */
  size?: number | undefined
  /**
   * The initial contents: a string (encoded as UTF-8), bytes, or an iterable of those, which are
   * written one after another. If `size` is larger, the rest is zeros.
   */
  contents?: SyncContents | undefined
  /** Whether seals may be added; `true` by default. */
  sealing?: boolean | undefined
  /**
   * Whether the file may be executed. By default it may not, and it can never become executable
   * (from Linux 6.3).
   */
  exec?: boolean | undefined
  /**
   * The size in bytes of the huge pages for the file: one of {@link hugePageSizes}. `size` must
   * then be a multiple of it. By default, the file is not in huge pages.
   */
  hugePageSize?: number | undefined
  /** Whether child processes inherit the descriptor; `false` by default. */
  inheritable?: boolean | undefined
}

/** Options of {@link createMemfd}. */
export interface AsyncMemfdOptions extends Omit<MemfdOptions, 'contents'> {
  /**
   * The initial contents: anything that `Memfd.create` accepts, an async iterable of strings and
   * bytes (such as a stream), a `Blob`, or a `Response`.
   */
  contents?: AsyncContents | undefined
  /** Cancels the creation: it rejects with an AbortError, and the file is closed. */
  signal?: AbortSignal | undefined
}

function validateHugePageSize(value: unknown, name: string): number {
  // A logarithm of 0 would mean the default size.
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
const readCreateAsync = optionsOf('createMemfd', {
  contents: asyncPiecesOf,
  signal: validateSignal,
  ...memfdOptions,
})

type Plan = Omit<ReturnType<typeof readCreate>, 'contents'> & { name: Name }

/** Checks the arguments. The contents come in pieces. */
export const planSync = (name: unknown, options: unknown) => planOf(name, readCreate(options))
export const planAsync = (name: unknown, options: unknown) => planOf(name, readCreateAsync(options))

function planOf<Options extends ReturnType<typeof readCreate | typeof readCreateAsync>>(
  name: unknown,
  options: Options,
) {
  const checked = validateName(name, 'name')
  const { size = 0, hugePageSize = 1 } = options
  if (size % hugePageSize !== 0) throw outOfRange('options.size', `a multiple of ${hugePageSize}`, size)
  return { ...options, name: checked }
}

// For fewer bytes, finding out how much memory is available costs more than reserving it.
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
  // Before Linux 6.3, the kernel knows neither flag, and every memory file may be executed.
  if (isFailure(result) && errorCode(result) === 'EINVAL') result = make(name, flags)
  if (!isFailure(result)) return result
  if (hugePageSize === undefined || errorCode(result) !== 'ENODEV') throw systemError(result)
  const sizes = hugePageSizes().join(' and ') || 'none'
  const reason = `this machine has no huge pages of ${hugePageSize} bytes, only of ${sizes}`
  throw because(result, reason)
}

/** A file that is being created and that nobody else can access yet. */
export class Filling {
  readonly fd: number
  readonly #plan: Plan
  #reserved = 0
  // The number of bytes reserved since the available memory was last checked.
  #unchecked = 0
  #position = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.fd = makeFd(plan)
  }

  /** Reserves `size`. It must be called before anything is appended. */
  start(): void {
    this.#reserve(this.#plan.size ?? 0)
  }

  append(piece: unknown): void {
    const bytes = validateContents(piece, 'options.contents')
    const end = this.#position + bytes.length
    const { size } = this.#plan
    if (size === undefined) this.#reserve(end)
    else if (end > size) throw outOfRange('options.size', `>= ${end}`, size)
    // Nobody else has the file, so nobody can shrink it.
    writeBytes(this.fd, bytes, this.#position, true)
    this.#position = end
  }

  /** Forbids further seals if `sealing` is `false`. */
  end(): void {
    const { sealing = true } = this.#plan
    // MFD_NOEXEC_SEAL implies that seals may be added.
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
      // The kernel would not refuse: it would kill processes, possibly this one.
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
