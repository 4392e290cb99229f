// A root whose methods return promises.
import type { Buffer } from 'node:buffer'
import type * as fs from 'node:fs'
import type { InspectOptions } from 'node:util'

import { handOut } from '../files/tracking.js'
import type { AsyncFwalkIterator } from '../tree/fwalk-promise.js'
import type { Descriptor, Handle, Root as NativeRoot } from '../runtime/binding.js'
import { finish as finishCall } from '../runtime/call.js'
import { illegalConstructor } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import type { FdLike, PathLike } from '../runtime/validate.js'
import type { Contents } from '../memory/contents.js'
import * as calls from './calls.js'
import type { Dirent } from './dirent.js'
import type * as options from './options.js'
import { readdirLater, statLater } from './reading.js'
import { belongToThread, openFile, opening, type OpenFile } from './root.js'
import { later, RootState, type RootCall } from './state.js'
import { fwalkLater, rmLater } from './tree.js'

type Inspect = (value: unknown, options: InspectOptions) => string

const OWN = Symbol('own')
// The class sets it, since only code inside its body can call the private constructor.
let construct: (state: RootState) => Root

/**
 * {@inheritDoc openRoot}
 *
 * The methods of the Root return promises. Their work is done off the main thread.
 *
 * @example
 * ```ts
 * import { openRoot } from 'fdkit/promises'
 *
 * const root = await openRoot('config')
 * const text = await root.readFile('app.json', 'utf8')
 * text // '{}'
 * await root.readFile('../package.json') // throws: ERR_FDKIT_ESCAPE
 * await root.close()
 * ```
 */
export async function openRoot(path: PathLike | FdLike, options?: options.RootOptions): Promise<Root> {
  const call = opening(path, options)
  const handle = finishCall(await call.make(true), call) as Handle<NativeRoot>
  return construct(new RootState(handle, call.refusesSymlinks))
}

// Until the number is taken, the addon owns the descriptor, and closes it if this worker is terminated.
const takeFd = async (call: RootCall<unknown>) =>
  handOut(native.takeFd((await later(() => call)) as Handle<Descriptor>))

/**
 * A directory that nothing leads out of, like `Root` of `fdkit`. Its methods return promises, and
 * the work is done off the main thread. A call that is pending when the root is closed goes on.
 *
 * @see https://pkg.go.dev/os#Root
 * @example
 * ```ts
 * import { openRoot } from 'fdkit/promises'
 *
 * const root = await openRoot('config')
 * await root.mkdir('a/b', { recursive: true })
 * await root.writeFile('a/b/notes', 'text', { atomic: true })
 * const { size } = await root.stat('a/../a/b/notes')
 * size // 4
 * await root.rm('a', { recursive: true })
 * await root.close()
 * ```
 */
export class Root {
  readonly #state: RootState

  static {
    construct = (state) => new this(OWN, state)
    // The output of `console.log` and `util.inspect`.
    function show(this: Root, _depth: number, options: InspectOptions, inspect: Inspect): string {
      // A Proxy over a Root, or an object that inherits from one, has no private fields.
      if (!(#state in this)) return inspect(this, { ...options, customInspect: false })
      return this.#state.isClosed ? 'Root { closed }' : 'Root {}'
    }
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: show })
  }

  private constructor(token?: symbol, state?: RootState) {
    if (token !== OWN || state === undefined) throw illegalConstructor()
    this.#state = state
    belongToThread(this)
  }

  /** {@inheritDoc Root.fd} */
  get fd(): number {
    return this.#state.fd
  }

  /** {@inheritDoc Root.close} */
  async close(): Promise<void> {
    this.#state.close()
  }

  /** Closes the root at the end of an `await using` block, like {@link Root.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#state.close()
  }

  /** {@inheritDoc Root.openRoot} */
  async openRoot(path: PathLike): Promise<Root> {
    const handle = (await later(() => calls.narrowCall(this.#state, path))) as Handle<NativeRoot>
    return construct(new RootState(handle, this.#state.refusesSymlinks))
  }

  /** {@inheritDoc Root.open} */
  async open(
    path: PathLike,
    flags?: string | number,
    mode?: number | string | options.RootOpenOptions,
  ): Promise<number> {
    return takeFd(calls.openCall(this.#state, path, flags, mode, 'open'))
  }

  /** {@inheritDoc Root.openFile} */
  async openFile(
    path: PathLike,
    flags?: string | number,
    mode?: number | string | options.RootOpenOptions,
  ): Promise<OpenFile> {
    return openFile(await takeFd(calls.openCall(this.#state, path, flags, mode, 'openFile')))
  }

  /** {@inheritDoc Root.readFile} */
  async readFile(
    path: PathLike,
    options: BufferEncoding | (options.ReadFileOptions & { encoding: BufferEncoding }),
  ): Promise<string>
  async readFile(
    path: PathLike,
    options?: 'buffer' | null | (options.ReadFileOptions & { encoding?: 'buffer' | null | undefined }),
  ): Promise<Buffer>
  async readFile(
    path: PathLike,
    options?: options.NameEncoding | options.ReadFileOptions | null,
  ): Promise<string | Buffer>
  async readFile(
    path: PathLike,
    options?: options.NameEncoding | options.ReadFileOptions | null,
  ): Promise<string | Buffer> {
    const { call, decode } = calls.readFileCall(this.#state, path, options)
    return decode(await later(() => call))
  }

  /**
   * {@inheritDoc Root.writeFile}
   *
   * Bytes are copied before the call returns.
   */
  writeFile(
    path: PathLike,
    data: Contents,
    options?: BufferEncoding | options.WriteFileOptions | null,
  ): Promise<void> {
    return later(() => calls.writeFileCall(this.#state, path, data, options))
  }

  /** {@inheritDoc Root.appendFile} */
  appendFile(
    path: PathLike,
    data: Contents,
    options?: BufferEncoding | options.AppendFileOptions | null,
  ): Promise<void> {
    return later(() => calls.appendFileCall(this.#state, path, data, options))
  }

  /** {@inheritDoc Root.stat} */
  stat(path: PathLike, options: options.RootStatOptions & { bigint: true }): Promise<fs.BigIntStats>
  stat(path: PathLike, options?: options.RootStatOptions & { bigint?: false | undefined }): Promise<fs.Stats>
  stat(path: PathLike, options?: options.RootStatOptions): Promise<fs.Stats | fs.BigIntStats>
  stat(path: PathLike, options?: options.RootStatOptions): Promise<fs.Stats | fs.BigIntStats> {
    return statLater(() => this.#state, path, options, true)
  }

  /** {@inheritDoc Root.lstat} */
  lstat(path: PathLike, options: options.RootStatOptions & { bigint: true }): Promise<fs.BigIntStats>
  lstat(path: PathLike, options?: options.RootStatOptions & { bigint?: false | undefined }): Promise<fs.Stats>
  lstat(path: PathLike, options?: options.RootStatOptions): Promise<fs.Stats | fs.BigIntStats>
  lstat(path: PathLike, options?: options.RootStatOptions): Promise<fs.Stats | fs.BigIntStats> {
    return statLater(() => this.#state, path, options, false)
  }

  /** {@inheritDoc Root.access} */
  access(path: PathLike, mode?: number): Promise<void> {
    return later(() => calls.accessCall(this.#state, path, mode))
  }

  /** {@inheritDoc Root.exists} */
  async exists(path: PathLike): Promise<boolean> {
    const call = calls.existsCall(this.#state, path)
    return call !== undefined && later(() => call)
  }

  /** {@inheritDoc Root.readdir} */
  readdir(
    path: PathLike,
    options: 'buffer' | (options.ReaddirOptions & { encoding: 'buffer'; withFileTypes?: false | undefined }),
  ): Promise<Buffer[]>
  readdir(
    path: PathLike,
    options: options.ReaddirOptions & { encoding: 'buffer'; withFileTypes: true },
  ): Promise<Dirent<Buffer>[]>
  readdir(path: PathLike, options: options.ReaddirOptions & { withFileTypes: true }): Promise<Dirent[]>
  readdir(
    path: PathLike,
    options?: BufferEncoding | null | (options.ReaddirOptions & { withFileTypes?: false | undefined }),
  ): Promise<string[]>
  readdir(
    path: PathLike,
    options?: options.NameEncoding | options.ReaddirOptions | null,
  ): Promise<string[] | Buffer[] | Dirent[] | Dirent<Buffer>[]>
  readdir(
    path: PathLike,
    options?: options.NameEncoding | options.ReaddirOptions | null,
  ): Promise<unknown[]> {
    return readdirLater(() => this.#state, path, options)
  }

  /** {@inheritDoc Root.mkdir} */
  mkdir(path: PathLike, options: options.MkdirOptions & { recursive: true }): Promise<string | undefined>
  mkdir(
    path: PathLike,
    options?: number | string | null | (options.MkdirOptions & { recursive?: false | undefined }),
  ): Promise<void>
  mkdir(path: PathLike, options?: number | string | options.MkdirOptions | null): Promise<string | undefined>
  mkdir(
    path: PathLike,
    options?: number | string | options.MkdirOptions | null,
  ): Promise<string | undefined | void> {
    return later(() => calls.mkdirCall(this.#state, path, options))
  }

  /** {@inheritDoc Root.mkdtemp} */
  async mkdtemp(prefix: PathLike, options: options.BufferNameOptions): Promise<Buffer>
  async mkdtemp(prefix: PathLike, options?: options.StringNameOptions): Promise<string>
  async mkdtemp(prefix: PathLike, options?: options.NameOptions): Promise<string | Buffer>
  async mkdtemp(prefix: PathLike, options?: options.NameOptions): Promise<string | Buffer> {
    const { call, decode } = calls.mkdtempCall(this.#state, prefix, options)
    return decode(await later(() => call))
  }

  /** {@inheritDoc Root.rm} */
  async rm(path: PathLike, options?: options.RmOptions): Promise<void> {
    await rmLater(this.#state, path, options)
  }

  /** {@inheritDoc Root.unlink} */
  unlink(path: PathLike): Promise<void> {
    return later(() => calls.unlinkCall(this.#state, path))
  }

  /** {@inheritDoc Root.rmdir} */
  rmdir(path: PathLike): Promise<void> {
    return later(() => calls.rmdirCall(this.#state, path))
  }

  /** {@inheritDoc Root.rename} */
  rename(oldPath: PathLike, newPath: PathLike, options?: options.RootRenameOptions): Promise<void> {
    return later(() => calls.renameCall(this.#state, oldPath, newPath, options))
  }

  /** {@inheritDoc Root.link} */
  link(existingPath: PathLike, newPath: PathLike): Promise<void> {
    return later(() => calls.linkCall(this.#state, existingPath, newPath))
  }

  /** {@inheritDoc Root.symlink} */
  symlink(target: PathLike, path: PathLike): Promise<void> {
    return later(() => calls.symlinkCall(this.#state, target, path))
  }

  /** {@inheritDoc Root.readlink} */
  async readlink(path: PathLike, options: options.BufferNameOptions): Promise<Buffer>
  async readlink(path: PathLike, options?: options.StringNameOptions): Promise<string>
  async readlink(path: PathLike, options?: options.NameOptions): Promise<string | Buffer>
  async readlink(path: PathLike, options?: options.NameOptions): Promise<string | Buffer> {
    const { call, decode } = calls.readlinkCall(this.#state, path, options)
    return decode(await later(() => call))
  }

  /** {@inheritDoc Root.realpath} */
  async realpath(path: PathLike, options: options.BufferNameOptions): Promise<Buffer>
  async realpath(path: PathLike, options?: options.StringNameOptions): Promise<string>
  async realpath(path: PathLike, options?: options.NameOptions): Promise<string | Buffer>
  async realpath(path: PathLike, options?: options.NameOptions): Promise<string | Buffer> {
    const { call, decode } = calls.realpathCall(this.#state, path, options)
    return decode(await later(() => call))
  }

  /** {@inheritDoc Root.chmod} */
  chmod(path: PathLike, mode: number | string): Promise<void> {
    return later(() => calls.chmodCall(this.#state, path, mode))
  }

  /** {@inheritDoc Root.chown} */
  chown(path: PathLike, uid: number, gid: number): Promise<void> {
    return later(() => calls.chownCall(this.#state, path, uid, gid))
  }

  /** {@inheritDoc Root.utimes} */
  utimes(path: PathLike, atime: calls.TimeLike, mtime: calls.TimeLike): Promise<void> {
    return later(() => calls.utimesCall(this.#state, path, atime, mtime))
  }

  /** {@inheritDoc Root.truncate} */
  truncate(path: PathLike, len?: number): Promise<void> {
    return later(() => calls.truncateCall(this.#state, path, len))
  }

  /** {@inheritDoc Root.fwalk} */
  fwalk(path: Uint8Array, options?: options.AsyncRootFwalkOptions<Buffer>): AsyncFwalkIterator<Buffer>
  fwalk(path?: string | URL, options?: options.AsyncRootFwalkOptions<string>): AsyncFwalkIterator<string>
  fwalk(
    path: string | URL | Uint8Array = '.',
    options?: options.AsyncRootFwalkOptions<string> | options.AsyncRootFwalkOptions<Buffer>,
  ): AsyncFwalkIterator<string | Buffer> {
    return fwalkLater(this.#state, path, options)
  }
}
