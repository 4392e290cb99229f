// Control groups with a memory limit, and huge pages that a test reserves and releases.
import * as fs from 'node:fs'

import type { ExecutionContext } from 'ava'

import type { ChildOptions } from './child.js'
import { isLinux, notLinux, notRoot } from './platform.js'

const second = '/sys/fs/cgroup'
const first = `${second}/memory`

interface Groups {
  root: string
  limit: string
}

// Version 1 has a hierarchy for memory, and version 2 one for everything.
function groups(): Groups | undefined {
  if (fs.existsSync(`${first}/memory.limit_in_bytes`)) return { root: first, limit: 'memory.limit_in_bytes' }
  const control = `${second}/cgroup.subtree_control`
  if (!fs.existsSync(control) || !fs.readFileSync(control, 'utf8').includes('memory')) return undefined
  return { root: second, limit: 'memory.max' }
}

function makeGroup({ root, limit }: Groups, bytes: number): string {
  const path = fs.mkdtempSync(`${root}/fdkit-`)
  try {
    fs.writeFileSync(`${path}/${limit}`, String(bytes))
  } catch (error) {
    fs.rmdirSync(path)
    throw error
  }
  return path
}

function unlimited(): string | false {
  if (notLinux || notRoot) return notLinux || notRoot
  const found = isLinux ? groups() : undefined
  if (!found) return 'needs a control group for memory'
  try {
    fs.rmdirSync(makeGroup(found, 2 ** 30))
    return false
  } catch (error) {
    return `needs to make control groups: ${(error as Error).message}`
  }
}

/** For `unless`. */
export const noLimit = unlimited()

/** For `child`: runs the process in a control group whose parent has a limit of this number of bytes. */
export function limited(t: ExecutionContext, bytes: number): Pick<ChildOptions, 'shell'> {
  const path = makeGroup(groups() as Groups, bytes)
  t.teardown(() => fs.rmdirSync(path))
  fs.mkdirSync(`${path}/within`)
  t.teardown(() => fs.rmdirSync(`${path}/within`))
  return { shell: `echo $$ > '${path}/within/cgroup.procs'` }
}

const sizes = '/sys/kernel/mm/hugepages'
const pages = `${sizes}/hugepages-2048kB`

/** Bytes of the huge pages that tests take. */
export const HUGE = 2 ** 21

/** Returns the number of huge pages, or of free ones. */
export const hugePages = (which: 'nr' | 'free' | 'resv'): number =>
  Number(fs.readFileSync(`${pages}/${which}_hugepages`, 'utf8'))

function reserve(count: number): boolean {
  fs.writeFileSync(`${pages}/nr_hugepages`, String(count))
  return hugePages('nr') === count
}

function noHugePages(): string | false {
  if (notLinux || notRoot) return notLinux || notRoot
  if (!fs.existsSync(pages)) return 'needs huge pages of 2 MB'
  // Huge pages of other programs stay reserved.
  if (hugePages('nr') > 0) return 'needs a machine on which nobody else has huge pages'
  try {
    const has = reserve(4)
    reserve(0)
    return has ? false : 'needs memory that is free for huge pages'
  } catch (error) {
    return `needs to reserve huge pages: ${(error as Error).message}`
  }
}

/** For `unless`, with `test.serial`. */
export const noHuge = noHugePages()

/** Reserves huge pages of 2 MB until the test is over. */
export function withHugePages(t: ExecutionContext, count: number): void {
  t.teardown(() => reserve(0))
  if (!reserve(count)) throw new Error(`there are ${hugePages('nr')} huge pages`)
}
