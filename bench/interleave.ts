// Measures candidates in turns, so that whatever else the machine does meets all alike.
import type { Candidate, Run } from './candidate.js'

/** What came out for a candidate. */
export interface Outcome {
  label: string
  /** Of one run: the median. */
  nanoseconds: number
  seen: string | undefined
}

export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
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
      runs[index]!.push(await candidate.run())
    }
  }
  return candidates.map((candidate, index) => {
    candidate.close()
    const counted = runs[index]!.slice(warmup)
    return {
      label: candidate.label,
      nanoseconds: median(counted.map((run) => run.nanoseconds)),
      seen: counted[0]?.seen,
    }
  })
}
