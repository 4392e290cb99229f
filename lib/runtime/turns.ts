// Long results, handed out in pieces so that nothing else has to wait for all of them.

// Not by node:timers/promises, which takes time to import.
const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve))

let last: Promise<void> = Promise.resolve()

/**
 * Resolves in a later turn of the event loop, and in each turn for one caller only: however many
 * results are handed out at the same time, a turn is as long as one piece takes.
 */
export function ownTurn(): Promise<void> {
  last = last.then(() => nextTurn())
  return last
}
