// Where sockets are found: paths, and abstract names.
import { isUint8Array } from 'node:util/types'

import type { Name } from '../runtime/error.js'
import { invalidArgValue, isRelative } from '../runtime/error.js'
import { validateName, validatePath, type PathLike } from '../runtime/validate.js'

/** An address as the addon takes it. */
export interface Address {
  /** The address as it was given, for errors and audit events. */
  given: PathLike
  /** The path, or the abstract name without its leading NUL. */
  path: Name
  isAbstract: boolean
  /** Whether it starts from a directory. */
  isRelative: boolean
}

const isAbstract = (value: unknown) =>
  (typeof value === 'string' && value.startsWith('\0')) || (isUint8Array(value) && value[0] === 0)

/** Validates a path, or an abstract name: one that begins with NUL. */
export function validateAddress(value: unknown): Address {
  if (!isAbstract(value)) {
    const path = validatePath(value)
    return { given: value as PathLike, path, isAbstract: false, isRelative: isRelative(path) }
  }
  const given = value as string | Uint8Array
  const path = validateName(typeof given === 'string' ? given.slice(1) : given.subarray(1), 'path')
  if (path.length === 0) throw invalidArgValue('path', 'must have a name after the null byte', value)
  return { given, path, isAbstract: true, isRelative: false }
}
