// The names of seals.
import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
} from '../constants.js'
import { invalidArgValue } from '../runtime/error.js'

/** The name of a seal, derived from its constant: `'futureWrite'` is `F_SEAL_FUTURE_WRITE`. */
export type Seal = 'seal' | 'shrink' | 'grow' | 'write' | 'futureWrite' | 'exec'

const numbers: Record<Seal, number> = {
  seal: F_SEAL_SEAL,
  shrink: F_SEAL_SHRINK,
  grow: F_SEAL_GROW,
  write: F_SEAL_WRITE,
  futureWrite: F_SEAL_FUTURE_WRITE,
  exec: F_SEAL_EXEC,
}
const names = Object.keys(numbers) as Seal[]

/** Returns the names of seals that are given as `F_SEAL_*`, or-ed. Others have no name. */
export function sealNames(seals: number): Seal[] {
  return names.filter((name) => seals & numbers[name])
}

/** Returns the seals of these names as `F_SEAL_*`, or-ed. */
export function sealBits(seals: readonly Seal[]): number {
  let bits = 0
  for (const seal of seals) {
    if (!names.includes(seal)) {
      throw invalidArgValue('seals', `must be one of '${names.join("', '")}'`, seal)
    }
    bits |= numbers[seal]
  }
  return bits
}
