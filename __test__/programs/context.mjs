// The arguments, the answer, and other things that the programs of `child` share.
import * as fs from 'node:fs'

/** The values that the test passes. */
export const args = JSON.parse(String(process.argv.at(-1)))

/** Returns a value to the test. */
export const answer = (/** @type {unknown} */ value) => fs.writeSync(1, JSON.stringify(value))

export { countFds, settledFds } from './fds.mjs'

/**
 * Becomes an unprivileged user. Call it after all imports, since that user may not be able to read
 * the modules.
 */
export function nobody() {
  process.setgroups?.([])
  process.setgid?.(65534)
  process.setuid?.(65534)
}
