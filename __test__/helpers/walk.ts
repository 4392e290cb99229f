// Collects the results of walks in a comparable form.
import { fwalk, type FwalkOptions } from 'fdkit'

export type Step = [dirpath: string, dirnames: string[], filenames: string[]]

export interface Seen {
  /** The names are sorted, since file systems differ in their order. */
  steps: Step[]
  /** `CODE path` of each error that was passed to onerror. */
  errors: string[]
}

/** Runs a complete walk. */
export function walked(top?: string | URL, options: FwalkOptions = {}): Seen {
  const errors: string[] = []
  const onerror = (error: NodeJS.ErrnoException) => errors.push(`${error.code} ${error.path}`)
  const steps = [...fwalk(top, { onerror, ...options })].map(([dirpath, dirnames, filenames]): Step => [
    dirpath,
    dirnames.toSorted(),
    filenames.toSorted(),
  ])
  return { steps, errors }
}

/** Returns the sorted directories of a complete walk. */
export function paths(top: string, options?: FwalkOptions): string[] {
  return [...fwalk(top, options)].map(([dirpath]) => dirpath).toSorted()
}
