// Replaces functions of libraries and of Node in a child process by functions in C.
import { execFileSync } from 'node:child_process'

import type { ExecutionContext } from 'ava'

import type { ChildOptions } from './child.js'
import { missing, notLinux } from './platform.js'
import { makeTree } from './tree.js'

/** For `unless`. */
export const noCompiler = notLinux || missing('gcc')

/** For `child`: runs the process with the functions of this program preloaded. */
export function preloading(t: ExecutionContext, program: string): Pick<ChildOptions, 'shell'> {
  const top = makeTree(t, { 'preload.c': program })
  const library = `${top}/preload.so`
  const input = ['-xc', `${top}/preload.c`]
  execFileSync('gcc', ['-shared', '-fPIC', '-D_GNU_SOURCE', '-o', library, ...input, '-ldl'])
  return { shell: `export LD_PRELOAD='${library}'` }
}
