// The descriptors of this process.
import { closeSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs'

/** How many are open, less the one that counts them. */
export function countFds(): number {
  return readdirSync('/proc/self/fd').length - 1
}

/** The number that the next descriptor gets. */
export function nextFd(): number {
  const fd = openSync('/', 'r')
  closeSync(fd)
  return fd
}

/** Whether the number is open. */
export function isOpen(fd: number): boolean {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

/** Device and inode, which tell one file from every other. */
export function identity(file: string | Buffer | number): string {
  const { dev, ino } = typeof file === 'number' ? fstatSync(file) : statSync(file)
  return `${dev}:${ino}`
}
