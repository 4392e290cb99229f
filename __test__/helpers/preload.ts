// Replaces functions of libraries and of Node in a child process by functions in C.
import { execFileSync } from 'node:child_process'

import type { ExecutionContext } from 'ava'

import { programPath, type ChildOptions } from './child.js'
import { missing, notLinux } from './platform.js'
import { makeTree } from './tree.js'

/** For `unless`. */
export const noCompiler = notLinux || missing('gcc')

/**
 * For `child`: runs the process with the functions of a program preloaded, which is compiled with these
 * flags.
 */
export function preloading(
  t: ExecutionContext,
  program: string,
  ...flags: string[]
): Pick<ChildOptions, 'shell'> {
  const library = `${makeTree(t)}/preload.so`
  const input = [...flags, '-o', library, programPath(program)]
  execFileSync('gcc', ['-shared', '-fPIC', '-D_GNU_SOURCE', ...input, '-ldl'])
  return { shell: `export LD_PRELOAD='${library}'` }
}
