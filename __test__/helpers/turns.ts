// Limits how many child processes the tests of a file run at a time. ava starts all of them at once,
// and on a busy machine each of a hundred processes would then exceed its time limit.
import { availableParallelism } from 'node:os'

let free = availableParallelism()
const waiting: (() => void)[] = []

/** Runs `work` as soon as fewer calls of this file than the machine has cores are running. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (free > 0) free--
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
}
