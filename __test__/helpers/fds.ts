// Inspects the descriptors of this process.
import { closeSync, fstatSync, openSync, statSync } from 'node:fs'

import { isDeno } from './platform.js'

export { countFds } from '../programs/fds.mjs'

/** Returns the number that the next descriptor gets. */
export function nextFd(): number {
  const fd = openSync('/', 'r')
  closeSync(fd)
  return fd
}

// The node:fs of Deno rejects descriptors that it did not open.
const statsOf = (fd: number) => (isDeno ? statSync(`/proc/self/fd/${fd}`) : fstatSync(fd))

/** Returns whether the descriptor is open. */
export function isOpen(fd: number): boolean {
  try {
    statsOf(fd)
    return true
  } catch {
    return false
  }
}

/** Returns the device and the inode, which identify a file. */
export function identity(file: string | Buffer | number): string {
  const { dev, ino } = typeof file === 'number' ? statsOf(file) : statSync(file)
  return `${dev}:${ino}`
}

/** Opens `path` under a number that was closed just now. The collector may have freed lower ones. */
export function reopen(fd: number, path: string): void {
  const others: number[] = []
  for (let opened = openSync(path, 'r'); opened !== fd; opened = openSync(path, 'r')) {
    others.push(opened)
    if (others.length > 200) throw new Error(`the number ${fd} is not free`)
  }
  for (const other of others) closeSync(other)
}
