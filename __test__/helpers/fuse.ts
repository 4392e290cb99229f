// A file system in user space whose answers a test chooses, spoken to the kernel directly.
import { existsSync } from 'node:fs'

import { programPath } from './child.js'
import { missing, notLinux, notRoot } from './platform.js'

/** For `unless`. */
export const noFuse =
  notLinux ||
  notRoot ||
  missing('python3') ||
  missing('unshare') ||
  (!existsSync('/dev/fuse') && 'needs /dev/fuse')

/**
 * For `child`: runs the process in a separate mount namespace, in which `top` is a file system with
 * `names` files. The kernel receives them one by one, each with this offset.
 */
export function serving(top: string, names: number, offset: bigint): { shell: string } {
  const server = programPath('fuse-server.py')
  return { shell: `set -- unshare -m python3 '${server}' ${names} ${offset} '${top}' "$@"` }
}
