// Results of the poll thread, which waits for all sockets of the process. They are delivered in the
// event loop.
import type { Events, Handle } from '../runtime/binding.js'
import { native } from '../runtime/native.js'

// How many results are delivered before other work gets its turn.
const MOST = 128

// The calls that are waiting, by number.
const waiting = new Map<number, (outcome: unknown) => void>()

let events: Handle<Events> | undefined

/** Returns what delivers the results of this thread, and starts it at the first call. */
export function deliverer(): Handle<Events> {
  return (events ??= native.eventsStart(deliver))
}

function deliver(): void {
  const results = native.eventsDrain(deliverer(), MOST)
  for (let index = 0; index < results.length; index += 2) {
    const id = results[index] as number
    const settle = waiting.get(id)
    waiting.delete(id)
    settle?.(results[index + 1])
  }
  if (results.length === 2 * MOST) setImmediate(deliver)
}

// The number of waiting calls that keep the process alive.
let keeping = 0

function keep(count: number): void {
  const before = keeping
  keeping += count
  if (before === 0 && keeping > 0) native.eventsRef(deliverer(), true)
  else if (before > 0 && keeping === 0) native.eventsRef(deliverer(), false)
}

/** The waiting calls of one socket. They keep the process alive, unless it is told otherwise. */
export class Waiting {
  #count = 0
  #keepsAlive = true

  /** Returns the outcome of a call that has returned a number in place of its outcome. */
  outcome<T>(id: number): Promise<T> {
    this.#count += 1
    if (this.#keepsAlive) keep(1)
    return new Promise((resolve) => {
      waiting.set(id, (outcome) => {
        this.#count -= 1
        if (this.#keepsAlive) keep(-1)
        resolve(outcome as T)
      })
    })
  }

  get keepsAlive(): boolean {
    return this.#keepsAlive
  }

  set keepsAlive(keepsAlive: boolean) {
    if (keepsAlive === this.#keepsAlive) return
    this.#keepsAlive = keepsAlive
    keep(keepsAlive ? this.#count : -this.#count)
  }
}

// A peer that floods a socket could otherwise keep the event loop from turning: each call would have
// its result at once.
const MOST_AT_ONCE = 64
let atOnce = 0

/**
 * Counts a call that had its outcome at once. After every 64 of them, it returns a promise that
 * resolves in the next turn of the event loop.
 */
export function turn(): Promise<void> | undefined {
  if (atOnce === 0) {
    setImmediate(() => {
      atOnce = 0
    }).unref()
  }
  atOnce += 1
  if (atOnce < MOST_AT_ONCE) return undefined
  return new Promise((resolve) => void setImmediate(resolve))
}
