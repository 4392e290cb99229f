// Long results are handed out in pieces, so that other work does not wait for the whole result.

let last: Promise<void> = Promise.resolve()

/** How many milliseconds of a turn are spent on results that are ready. */
const SHARE = 0.5

let startedAt: number | undefined

const endTurn = (): void => {
  startedAt = undefined
}

/**
 * Returns whether this turn of the event loop has handed out results for half a millisecond, of however
 * many callers. The clock starts with the first call in a turn.
 *
 * Promises that are already resolved never let the event loop turn. The caller goes on after
 * {@link ownTurn}.
 */
export function isTurnOver(): boolean {
  const now = performance.now()
  if (startedAt === undefined) {
    startedAt = now
    setImmediate(endTurn)
  }
  return now - startedAt > SHARE
}

/**
 * Resolves in a later turn of the event loop. Each turn serves only one caller: even if several
 * results are handed out at the same time, no turn takes longer than one piece does.
 */
export function ownTurn(): Promise<void> {
  last = last.then(() => new Promise((resolve) => void setImmediate(resolve)))
  return last
}
