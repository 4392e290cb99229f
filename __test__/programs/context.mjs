// The arguments, the answer, and other things that the programs of `child` share.
import * as fs from 'node:fs'

/** The values that the test passes. */
export const args = JSON.parse(String(process.argv.at(-1)))

/** Returns a value to the test. */
export const answer = (/** @type {unknown} */ value) => fs.writeSync(1, JSON.stringify(value))

/** Returns the number of open descriptors. */
export const countFds = () => fs.readdirSync('/proc/self/fd').length - 1

/**
 * Returns the number of open descriptors as soon as it has not changed for 20 ms. A thread that Node.js
 * starts opens and closes some of its own, under strace after the program has begun.
 */
export async function settledFds() {
  let before = countFds()
  for (let same = 0; same < 4;) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const now = countFds()
    same = now === before ? same + 1 : 0
    before = now
  }
  return before
}

/**
 * Becomes an unprivileged user. Call it after all imports, since that user may not be able to read
 * the modules.
 */
export function nobody() {
  process.setgroups?.([])
  process.setgid?.(65534)
  process.setuid?.(65534)
}
