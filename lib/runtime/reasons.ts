// The words for the reasons of failures, which core finds out.
import type { Failure } from './binding.js'

/** Why a system call failed, if more is known than the error number says. */
export type Reason = NonNullable<Failure['reason']>

// The other two need words with numbers, which depend on the arguments of the function.
const words: Record<Exclude<Reason, 'noHugePages' | 'beyondEnd'>, string> = {
  accessMode: 'the descriptor must be open for reading and, unless writable is false, for writing',
  empty: 'the file is empty',
  hugePageOffset: 'in a file in huge pages, the offset must be a multiple of their size',
  mayShrink:
    'the file could get shorter, and an access beyond its new end would end the process ' +
    '(SIGBUS): add F_SEAL_SHRINK, or pass allowShrink: true',
  notMappable: 'this file cannot be mapped',
  notMemoryFile: 'this is not a memory file',
  tooFewHugePages:
    'too few huge pages of this size are reserved: write the number you need to ' +
    'nr_hugepages in /sys/kernel/mm/hugepages/hugepages-*kB',
  writableMapping: 'a writable mapping exists, in this or another process',
  writeSealed: 'the file is sealed against writing',
}

/** Returns the words for the reason of a failure, if it has one. */
export function reasonOf({ reason }: Failure): string | undefined {
  return reason === undefined ? undefined : (words as Partial<Record<Reason, string>>)[reason]
}
