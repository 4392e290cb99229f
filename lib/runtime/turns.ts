// Long results, handed out in pieces so that nothing else has to wait for all of them.

let last: Promise<void> = Promise.resolve()

/**
 * Resolves in a later turn of the event loop, and in each turn for one caller only: however many
 * results are handed out at the same time, a turn is as long as one piece takes.
 */
export function ownTurn(): Promise<void> {
  last = last.then(() => new Promise((resolve) => void setImmediate(resolve)))
  return last
}
