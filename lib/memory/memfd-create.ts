// Creating a Memfd: its options and its initial contents.
import type { Failure, Handle, Memfd } from '../runtime/binding.js'
import { because, check, isFailure, outOfRange, systemError, type Name } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { optionsOf } from '../runtime/options.js'
import { validateBoolean, validateBytes, validateName, validateSignal } from '../runtime/validate.js'
import { asyncPiecesOf, piecesOf, type AsyncContents, type SyncContents } from './chunks.js'
import { validateContents } from './contents.js'
import { hugePageSizes } from './huge-pages.js'

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

function explain(failure: Failure): Error {
  if (failure.reason !== 'noHugePages') return systemError(failure)
  const sizes = hugePageSizes().join(' and ') || 'none'
  return because(failure, `this machine has no huge pages of ${failure.size} bytes, only of ${sizes}`)
}

/** A file that is being created and that nobody else can access yet. */
export class Filling {
  /** The owner of the descriptor. */
  readonly handle: Handle<Memfd>
  readonly #size: number | undefined
  #position = 0

  /** Creates the file and reserves its size. */
  constructor({ name, size, sealing = true, exec = false, inheritable = false, hugePageSize }: Plan) {
    const handle = native.memfdNew(name, size ?? 0, sealing, exec, inheritable, hugePageSize)
    if (isFailure(handle)) throw explain(handle)
    this.handle = handle
    this.#size = size
  }

  append(piece: unknown): void {
    const bytes = validateContents(piece, 'options.contents')
    const end = this.#position + bytes.length
    const size = this.#size
    if (size !== undefined && end > size) throw outOfRange('options.size', `>= ${end}`, size)
    check(native.memfdAppend(this.handle, bytes))
    this.#position = end
  }
}
