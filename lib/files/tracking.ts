// Who closes a descriptor: numbers are handed out, and taken over, as node:fs itself would do it.
import { closeSync, openSync } from 'node:fs'

import { native } from '../runtime/native.js'
import { check, isFailure } from '../runtime/error.js'

const isDeno = process.versions['deno'] !== undefined

// A worker of Node.js lists the descriptors that node:fs opened in it: it closes them when it ends,
// and warns when node:fs closes another. In a worker `process.chdir` is a stub that says so; to ask
// node:worker_threads takes 1 to 3 ms in the main thread. The node:fs of Deno lists them in every
// thread, and takes no others. Bun has no such list.
const isListed = isDeno || (process.chdir as { disabled?: boolean } | undefined)?.disabled === true

/**
 * Makes a descriptor that the addon has just opened one that node:fs has opened, so that node:fs may
 * close it. Returns its number, which is another if this runtime keeps a list.
 *
 * Best effort: if node:fs may not open the root directory, or no number is free, the descriptor
 * stays as it is. Node.js then warns when it is closed.
 */
export function handOut(fd: number): number {
  if (!isListed) return fd
  let listed: number
  try {
    listed = openSync('/', 'r')
  } catch {
    return fd
  }
  // What node:fs has listed is the number. What is open there is replaced in one step.
  if (!isFailure(native.moveFd(fd, listed))) return listed
  closeSync(listed)
  return fd
}

/** Closes a number that a caller has handed over, and that is open. */
export function closeGiven(fd: number): void {
  try {
    closeSync(fd)
  } catch (error) {
    // Deno's node:fs does not close what it has not opened, such as an inherited descriptor.
    if (!isDeno) throw error
    check(native.close(check(native.adopt(fd))))
  }
}
