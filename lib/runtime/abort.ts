// Being told that a signal is aborted, whatever its other listeners do.
import { addAbortListener } from 'node:events'

const isDeno = process.versions['deno'] !== undefined

/**
 * Calls a function when the signal is aborted, even if a listener that was there before calls
 * `stopImmediatePropagation`. Returns what takes the function away again.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (!isDeno) {
    const added = addAbortListener(signal, listener)
    return () => added[Symbol.dispose]()
  }
  // In Deno that is an ordinary listener. A signal that follows this one has no others.
  const follower = AbortSignal.any([signal])
  follower.addEventListener('abort', listener, { once: true })
  return () => follower.removeEventListener('abort', listener)
}
