// Counts the descriptors of the process, for programs and for specs.
import { readdirSync } from 'node:fs'

/** Returns the number of open descriptors without the one that counts them. */
export const countFds = () => readdirSync('/proc/self/fd').length - 1

/**
 * Returns the number of open descriptors as soon as it has not changed for 20 ms. A thread that Node.js
 * starts opens and closes some of its own, under strace after the program has begun.
 */
export async function settledFds() {
  // Deno opens two for its signals, half a second after its start or with the first listener.
  if ('Deno' in globalThis) process.on('SIGHUP', ignore).off('SIGHUP', ignore)
  let before = countFds()
  for (let same = 0; same < 4;) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const now = countFds()
    same = now === before ? same + 1 : 0
    before = now
  }
  return before
}

const ignore = () => {}
