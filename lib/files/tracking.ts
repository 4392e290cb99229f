// Ownership of descriptors. They are handed out, and taken over, as node:fs itself would do it.
import { closeSync, openSync } from 'node:fs'

import type { Descriptor, Handle, Opened } from '../runtime/binding.js'
import { later, now, type Call } from '../runtime/call.js'
import { check, isFailure } from '../runtime/error.js'
import { isAvailable, native } from '../runtime/native.js'

const isDeno = process.versions['deno'] !== undefined

// A worker of Node.js keeps a list of the descriptors that node:fs opened in it. It closes them
// when it ends, and warns when node:fs closes any other. A worker is recognized by `process.chdir`,
// which is a disabled stub there: loading node:worker_threads would take 1 to 3 ms in the main
// thread. Deno keeps such a list in every thread, and its node:fs accepts no other descriptors. Bun
// has no such list.
const seemsListed = isDeno || (process.chdir as { disabled?: boolean } | undefined)?.disabled === true

// If there is a list, the addon owns what it opens until `handOut` is done: a worker may be
// terminated in between. Copies of this module that share the addon must agree, even if somebody
// replaced `process.chdir` between their imports.
const isListed = isAvailable && native.keepFds(seemsListed)

/**
 * Registers a descriptor that the addon has just opened with node:fs, so that node:fs may close it.
 * Returns its number, which changes if this runtime keeps a list of descriptors.
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
    native.releaseFd(fd)
    return fd
  }
  // node:fs has listed the number. The file that is open under it is replaced atomically.
  if (!isFailure(native.moveFd(fd, listed))) return listed
  native.releaseFd(fd)
  try {
    closeSync(listed)
  } catch {
    // A replacement of node:fs.
  }
  return fd
}

/**
 * Runs a call that opens a descriptor, and blocks until it ends. The caller owns the descriptor.
 */
export function openNow(call: Call<Opened>): number {
  return handOut(now(call) as number)
}

/** Runs a call that opens a descriptor off the main thread. The caller owns the descriptor. */
export async function openLater(call: Call<Opened>): Promise<number> {
  // Until here, the addon owns the descriptor, and closes it if this worker is terminated.
  return handOut(native.takeFd((await later(call)) as Handle<Descriptor>))
}

/** Closes an open descriptor whose number a caller has handed over. */
export function closeGiven(fd: number): void {
  try {
    closeSync(fd)
  } catch (error) {
    // Deno's node:fs refuses to close what it has not opened, such as an inherited descriptor.
    if (!isDeno) throw error
    check(native.close(check(native.adopt(fd))))
  }
}
