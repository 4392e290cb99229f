// The file of a socket that is bound to a path. It is removed when the socket is closed.
import { resolve } from 'node:path'

import { lstat } from '../files/stat.js'
import type { Descriptor, Handle } from '../runtime/binding.js'
import { check, type Name } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import type { Address } from './address.js'

/** A duplicate of a descriptor of a directory, for calls that are made later. */
export class HeldDirectory {
  readonly fd: number
  readonly #handle: Handle<Descriptor>

  constructor(dirFd: number) {
    this.#handle = check(native.hold(dirFd))
    this.fd = check(native.heldFd(this.#handle))
  }

  close(): void {
    check(native.close(this.#handle))
  }
}

/** The file that a socket has created when it was bound. */
export class SocketFile {
  readonly #path: Name
  readonly #directory: HeldDirectory | undefined
  readonly #identity: string | undefined

  constructor({ path, isRelative }: Address, directory: HeldDirectory | undefined) {
    this.#directory = directory
    // The working directory may be another one when the socket is closed.
    const isBelowCwd = isRelative && directory === undefined && typeof path === 'string'
    this.#path = isBelowCwd ? resolve(path) : path
    this.#identity = this.#identify()
  }

  #identify(): string | undefined {
    try {
      const { dev, ino } = lstat(this.#path, { dirFd: this.#directory?.fd, bigint: true })
      return `${dev}:${ino}`
    } catch {
      return undefined
    }
  }

  /** Removes the file, unless another one has its name by now. */
  remove(): void {
    if (this.#identity !== undefined && this.#identify() === this.#identity) {
      native.unlinkat(false, this.#directory?.fd, this.#path, false)
    }
    this.#directory?.close()
  }
}
