// How much memory the machine has available, and its huge pages.
import { readdirSync, readFileSync, statfsSync } from 'node:fs'

/**
 * The reason for a failure in huge pages, if the machine has huge pages of the size but too few are
 * free.
 */
export const TOO_FEW_HUGE_PAGES =
  'too few huge pages of this size are reserved: write the number you need to ' +
  'nr_hugepages in /sys/kernel/mm/hugepages/hugepages-*kB'

/**
 * Returns the sizes of the huge pages that this machine has, in bytes, smallest first. The array is
 * empty if the system does not report them.
 *
 * A size in the array does not mean that any huge pages of it are reserved. The number of free ones
 * is in sysfs: for 2 MB pages in `/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages`.
 *
 * @see https://docs.kernel.org/admin-guide/mm/hugetlbpage.html
 * @example
 * ```ts
 * import { hugePageSizes } from 'fdkit'
 *
 * hugePageSizes() // [2097152, 1073741824] on most machines with x86-64
 * ```
 */
export function hugePageSizes(): number[] {
  let names: string[]
  try {
    names = readdirSync('/sys/kernel/mm/hugepages')
  } catch {
    return []
  }
  const sizes = names.map((name) => Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]) * 1024)
  return sizes.filter((size) => size > 0).sort((a, b) => a - b)
}

const HUGETLBFS_MAGIC = 0x958458f6

/**
 * Returns whether a file lives in huge pages. The block size does not tell: other files can have
 * blocks of the same size.
 */
export function isInHugePages(fd: number): boolean {
  try {
    return statfsSync(`/proc/self/fd/${fd}`).type === HUGETLBFS_MAGIC
  } catch {
    return false
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // Other systems, and other versions of control groups, do not have this file.
    return ''
  }
}

const field = (text: string, name: RegExp): number => Number(name.exec(text)?.[1] ?? Infinity)

// Returns how many more bytes a control group may take. Cache that it could drop counts as free.
function leftInGroup(directory: string, limit: string, usage: string): number {
  const most = Number(read(`${directory}/${limit}`).trim() || Infinity)
  if (!(most < 2 ** 60)) return Infinity
  const used = Number(read(`${directory}/${usage}`))
  const stat = read(`${directory}/memory.stat`)
  // Version 1 has separate totals that include the groups below this one. In version 2, every
  // number includes them.
  const total = /^total_/m.test(stat) ? 'total_' : ''
  const file = (which: string) => field(stat, new RegExp(`^${total}${which}_file (\\d+)$`, 'm'))
  const cache = Math.min(file('active') + file('inactive'), used)
  return Math.max(0, most - used + cache)
}

/**
 * Returns how many bytes of memory are still available, as far as the system reports it. If a
 * process takes more, the kernel does not refuse: it kills processes.
 */
export function availableMemory(): number {
  const meminfo = read('/proc/meminfo')
  const free = field(meminfo, /^MemAvailable: +(\d+) kB$/m) * 1024
  const swap = field(meminfo, /^SwapFree: +(\d+) kB$/m) * 1024
  let left = free + (swap === Infinity ? 0 : swap)
  for (const line of read('/proc/self/cgroup').split('\n')) {
    const [, controllers, path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    const isSecond = controllers === ''
    if (!isSecond && controllers !== 'memory') continue
    const root = isSecond ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory'
    const limit = isSecond ? 'memory.max' : 'memory.limit_in_bytes'
    const usage = isSecond ? 'memory.current' : 'memory.usage_in_bytes'
    // The limits of the enclosing groups apply, too.
    for (let group = path; ; group = group.slice(0, group.lastIndexOf('/'))) {
      left = Math.min(left, leftInGroup(root + group, limit, usage))
      if (group === '' || group === '/') break
    }
  }
  return left
}
