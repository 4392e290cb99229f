// The ways in which a Root resolves paths, and child processes in which each is forced.
import { missing, notRoot } from './platform.js'
import { hiding, noSeccomp } from './seccomp.js'

export interface Mode {
  title: string
  /** Shell commands for `child`. */
  shell: string
  missing: string | false
}

const ENOSYS = 38
const EPERM = 1
const EAGAIN = 11

/** The kernel resolves, or fdkit does, with and without /proc. */
export const modes: readonly Mode[] = [
  { title: 'resolved by the kernel', shell: ':', missing: false },
  {
    title: 'resolved component by component',
    shell: hiding('openat2', ENOSYS).shell ?? '',
    missing: noSeccomp,
  },
  {
    title: 'resolved by the kernel, without /proc',
    shell: `set -- unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$@"`,
    missing: missing('unshare') || notRoot,
  },
]

/**
 * The kernel answers an error to each openat2, and fdkit resolves: filters of old container runtimes
 * answer EPERM to what they do not know, and EAGAIN means that directories are renamed all the time.
 */
export const refusals: readonly Mode[] = [
  { title: 'EPERM', shell: hiding('openat2', EPERM).shell ?? '', missing: noSeccomp },
  { title: 'EAGAIN', shell: hiding('openat2', EAGAIN).shell ?? '', missing: noSeccomp },
]
