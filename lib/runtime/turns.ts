// Long results are handed out in pieces, so that other work does not wait for the whole result.

let last: Promise<void> = Promise.resolve()

/**
 * Resolves in a later turn of the event loop. Each turn serves only one caller: even if several
 * results are handed out at the same time, no turn takes longer than one piece does.
 */
export function ownTurn(): Promise<void> {
  last = last.then(() => new Promise((resolve) => void setImmediate(resolve)))
  return last
}
