// The flags and the mode of open, as node:fs takes them.
import { constants } from 'node:fs'

import { invalidArgValue } from './error.js'
import { validateInteger } from './validate.js'

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants

// Letters may stand in any of the orders that node:fs allows.
const named = new Map<string, number>(
  [
    [O_RDONLY, 'r'],
    [O_RDONLY | O_SYNC, 'rs', 'sr'],
    [O_RDWR, 'r+'],
    [O_RDWR | O_SYNC, 'rs+', 'sr+'],
    [O_TRUNC | O_CREAT | O_WRONLY, 'w'],
    [O_TRUNC | O_CREAT | O_WRONLY | O_EXCL, 'wx', 'xw'],
    [O_TRUNC | O_CREAT | O_RDWR, 'w+'],
    [O_TRUNC | O_CREAT | O_RDWR | O_EXCL, 'wx+', 'xw+'],
    [O_APPEND | O_CREAT | O_WRONLY, 'a'],
    [O_APPEND | O_CREAT | O_WRONLY | O_EXCL, 'ax', 'xa'],
    [O_APPEND | O_CREAT | O_WRONLY | O_SYNC, 'as', 'sa'],
    [O_APPEND | O_CREAT | O_RDWR, 'a+'],
    [O_APPEND | O_CREAT | O_RDWR | O_EXCL, 'ax+', 'xa+'],
    [O_APPEND | O_CREAT | O_RDWR | O_SYNC, 'as+', 'sa+'],
  ].flatMap(([bits, ...names]) => names.map((name) => [name as string, bits as number] as const)),
)

export function parseFlags(flags: unknown): number {
  if (typeof flags === 'number') return validateInteger(flags, 'flags', -(2 ** 31), 2 ** 31 - 1)
  const bits = named.get(flags as string)
  if (bits === undefined) throw invalidArgValue('flags', 'is invalid', flags)
  return bits
}

export function parseMode(mode: unknown, name: string): number {
  if (typeof mode !== 'string') return validateInteger(mode, name, 0, 2 ** 32 - 1)
  if (!/^[0-7]+$/.test(mode)) {
    const reason = 'must be a 32-bit unsigned integer or an octal string'
    throw invalidArgValue(name, reason, mode)
  }
  return validateInteger(Number.parseInt(mode, 8), name, 0, 2 ** 32 - 1)
}
