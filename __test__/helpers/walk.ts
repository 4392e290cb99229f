// What walks yielded, in a form that tests can compare.
import { fwalk, type FwalkOptions } from 'fdkit'

export type Step = [dirpath: string, dirnames: string[], filenames: string[]]

export interface Seen {
  /** Names sorted, since file systems differ in their order. */
  steps: Step[]
  /** `CODE path` of what went to onerror. */
  errors: string[]
}

/** A whole walk. */
export function walked(top?: string | URL, options: FwalkOptions = {}): Seen {
  const errors: string[] = []
  const onerror = (error: NodeJS.ErrnoException) => errors.push(`${error.code} ${error.path}`)
  const steps = [...fwalk(top, { onerror, ...options })].map(
    ([dirpath, dirnames, filenames]): Step => [dirpath, dirnames.toSorted(), filenames.toSorted()],
  )
  return { steps, errors }
}

/** The directories of a whole walk, sorted. */
export function paths(top: string, options?: FwalkOptions): string[] {
  return [...fwalk(top, options)].map(([dirpath]) => dirpath).toSorted()
}
