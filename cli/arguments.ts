// Reads the arguments of a command.
import * as util from 'node:util'

import { nearest } from '../lib/runtime/suggest.js'

/** An error in the arguments. */
export class UsageError extends Error {}

/** Adds the word that was probably meant. */
export function unknown(what: string, word: string, known: readonly string[]): UsageError {
  // Each option of one letter is similar to every other.
  const meant = /^-.$/.test(word) ? undefined : nearest(word, known)
  return new UsageError(`no such ${what}: ${word}${meant === undefined ? '' : `; did you mean ${meant}?`}`)
}

export interface Arguments {
  /** The value of each option: `true` for one that takes none. */
  options: Map<string, string | true>
  operands: string[]
}

/**
 * Reads options, which may be anywhere, and operands. `known` says for each option, by its name
 * with the dashes, whether it takes a value.
 */
export function readArguments(argv: string[], known: Record<string, boolean>): Arguments {
  const names = Object.keys(known)
  const types = names.map((name) => [
    name.replace(/^-+/, ''),
    { type: known[name] ? ('string' as const) : ('boolean' as const) },
  ])
  // If it is not strict, it does not throw, so the errors below are the only ones.
  const { tokens } = util.parseArgs({
    args: argv,
    options: Object.fromEntries(types),
    strict: false,
    tokens: true,
  })
  const options = new Map<string, string | true>()
  const operands: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const { rawName, value } = token
    if (!Object.hasOwn(known, rawName)) throw unknown('option', rawName, names)
    if (known[rawName] && value === undefined) throw new UsageError(`${rawName} needs a value`)
    if (!known[rawName] && value !== undefined) throw new UsageError(`${rawName} takes no value`)
    options.set(rawName, value ?? true)
  }
  return { options, operands }
}
