// Measures candidates in turns, so that other load on the machine affects all of them alike.
import type { Candidate, Run } from './candidate.js'

/** The results of a candidate. */
export interface Outcome {
  label: string
  /** The median time of a run. */
  nanoseconds: number
  /** The time of each run, in order. */
  rounds: number[]
  seen: string | undefined
}

export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}

/**
 * Returns the ratio of two candidates' times: the median of the ratios of all rounds. Load that
 * slows down the machine for a while slows down both, so this is steadier than the ratio of the
 * medians.
 */
export function ratio(of: Outcome, to: Outcome): number {
  return median(of.rounds.map((nanoseconds, round) => nanoseconds / to.rounds[round]!))
}

/** Returns the outcome with the given label. */
export function pick(outcomes: Outcome[], label: string): Outcome {
  const found = outcomes.find((outcome) => outcome.label === label)
  if (found === undefined) throw new Error(`nothing is called ${label}`)
  return found
}

/** Runs each candidate `rounds` times, after `warmup` rounds that are not counted. */
export async function interleave(
  candidates: Candidate[],
  rounds: number,
  warmup: number,
): Promise<Outcome[]> {
  const runs = candidates.map((): Run[] => [])
  for (let round = 0; round < warmup + rounds; round++) {
    for (const [index, candidate] of candidates.entries()) {
      await candidate.prepare?.()
      runs[index]!.push(await candidate.run())
    }
  }
  return candidates.map((candidate, index) => {
    candidate.close()
    const counted = runs[index]!.slice(warmup)
    const rounds = counted.map(({ nanoseconds }) => nanoseconds)
    return {
      label: candidate.label,
      nanoseconds: median(rounds),
      rounds,
      seen: counted[0]?.seen,
    }
  })
}
