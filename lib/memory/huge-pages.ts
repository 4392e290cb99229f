// The huge pages of the machine.
import { readdirSync } from 'node:fs'

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
