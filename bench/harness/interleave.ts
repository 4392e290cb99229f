// Measures candidates in turns, so that whatever else the machine does meets all alike.
import type { Candidate, Run } from './candidate.js'

/** What came out for a candidate. */
export interface Outcome {
  label: string
  /** Of one run: the median. */
  nanoseconds: number
  /** Of each run, in order. */
  rounds: number[]
  seen: string | undefined
}

export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}

/**
 * How long one took to how long another took: the median of the rounds' ratios. What slows the
 * machine down for a while slows both, so that this is steadier than the ratio of the medians.
 */
export function ratio(of: Outcome, to: Outcome): number {
  return median(of.rounds.map((nanoseconds, round) => nanoseconds / to.rounds[round]!))
}

/** The one that the label says. */
export function pick(outcomes: Outcome[], label: string): Outcome {
  const found = outcomes.find((outcome) => outcome.label === label)
  if (found === undefined) throw new Error(`nothing is called ${label}`)
  return found
}

/** Runs each candidate `rounds` times, after `warmup` rounds that do not count. */
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
