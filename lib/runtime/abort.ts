// AbortSignals that end an operation that is under way.
import { addAbortListener } from 'node:events'

interface Subscription {
  readonly interrupts: Set<() => void>
  readonly listener: Disposable
}

// Each signal has one listener, however many operations it can end: Node warns if there are more
// than ten.
const subscriptions = new WeakMap<AbortSignal, Subscription>()

const isDeno = process.versions['deno'] !== undefined

const listen = isDeno
  ? // Deno's addAbortListener adds an ordinary listener. A signal that follows this one has no others.
    (signal: AbortSignal, listener: () => void): Disposable =>
      addAbortListener(AbortSignal.any([signal]), listener)
  : addAbortListener

function subscribe(signal: AbortSignal): Subscription {
  const interrupts = new Set<() => void>()
  // Unlike addEventListener, this listener is also called if an earlier listener called
  // stopImmediatePropagation(), and if the signal has aborted already.
  const listener = listen(signal, () => {
    for (const interrupt of interrupts) interrupt()
  })
  return { interrupts, listener }
}

/**
 * Calls `interrupt` when the signal aborts, or in a microtask if it has aborted already.
 *
 * The signal keeps `interrupt` alive until the returned function is called. Subscribe only while an
 * operation is under way, so that objects which the program has dropped can be collected.
 *
 * @returns a function that ends the subscription. It must be called exactly once.
 */
export function onAbort(signal: AbortSignal | undefined, interrupt: () => void): () => void {
  if (signal === undefined) return () => {}
  let subscription = signal.aborted ? undefined : subscriptions.get(signal)
  if (subscription === undefined) {
    subscription = subscribe(signal)
    subscriptions.set(signal, subscription)
  }
  const { interrupts, listener } = subscription
  interrupts.add(interrupt)
  return () => {
    interrupts.delete(interrupt)
    if (interrupts.size > 0) return
    if (subscriptions.get(signal) === subscription) subscriptions.delete(signal)
    listener[Symbol.dispose]()
  }
}
