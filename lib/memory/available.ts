// The memory of the machine: what is left of it, and its huge pages.
import { readdirSync, readFileSync, statfsSync } from 'node:fs'

/** Why what is in huge pages fails on a machine that has them, and has none to spare. */
export const TOO_FEW_HUGE_PAGES =
  'too few huge pages of this size are reserved: write how many there are to be to ' +
  'nr_hugepages in /sys/kernel/mm/hugepages/hugepages-*kB'

/**
 * The sizes of huge pages that this machine has, in bytes, the smallest first; none where the
 * system does not say.
 *
 * That a size is there says nothing of how many are reserved:
 * `/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages` has the number, for one of them.
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

/** Whether a file is in huge pages. Others, too, may have blocks of their size. */
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
    // Other systems, and other versions of control groups, do not have it.
    return ''
  }
}

const field = (text: string, name: RegExp): number => Number(name.exec(text)?.[1] ?? Infinity)

// Of a control group: how much more it may take, what it could drop counted as free.
function leftInGroup(directory: string, limit: string, usage: string): number {
  const most = Number(read(`${directory}/${limit}`).trim() || Infinity)
  if (!(most < 2 ** 60)) return Infinity
  const used = Number(read(`${directory}/${usage}`))
  const stat = read(`${directory}/memory.stat`)
  // In the first version the groups within it count in a total, which they always do in the second.
  const total = /^total_/m.test(stat) ? 'total_' : ''
  const file = (which: string) => field(stat, new RegExp(`^${total}${which}_file (\\d+)$`, 'm'))
  const cache = Math.min(file('active') + file('inactive'), used)
  return Math.max(0, most - used + cache)
}

/**
 * How many bytes of memory can still be had, as far as the system says: beyond that the kernel does
 * not refuse, it ends processes.
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
    // The limits of the groups around it hold, too.
    for (let group = path; ; group = group.slice(0, group.lastIndexOf('/'))) {
      left = Math.min(left, leftInGroup(root + group, limit, usage))
      if (group === '' || group === '/') break
    }
  }
  return left
}
