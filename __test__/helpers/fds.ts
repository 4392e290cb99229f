// Inspects the descriptors of this process.
import { closeSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs'

/** Returns the number of open descriptors without the one that counts them. */
export function countFds(): number {
  return readdirSync('/proc/self/fd').length - 1
}

/** Returns the number that the next descriptor gets. */
export function nextFd(): number {
  const fd = openSync('/', 'r')
  closeSync(fd)
  return fd
}

/** Returns whether the descriptor is open. */
export function isOpen(fd: number): boolean {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

/** Returns the device and the inode, which identify a file. */
export function identity(file: string | Buffer | number): string {
  const { dev, ino } = typeof file === 'number' ? fstatSync(file) : statSync(file)
  return `${dev}:${ino}`
}
