// Runs modules under strace, which prints their system calls and can make them fail.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import type { ExecutionContext } from 'ava'

import { childCommand, packageRoot, type ChildOptions } from './child.js'
import { patience } from './patience.js'
import { missing, notLinux } from './platform.js'
import { makeTree } from './tree.js'

/** For `unless`. */
export const noStrace = notLinux || missing('strace')

export interface Straced<T> {
  answer: T
  /** The traced system calls, one on each line, such as `openat(3, "name", O_RDONLY) = 4`. */
  calls: string[]
}

/**
 * Returns the options of strace that trace calls or make them fail, as `inject=openat:error=EIO` does.
 * The program does not stop at its other calls, which saves most of the time.
 */
export function stoppingAt(inject: string): string[] {
  const [, syscalls = 'all'] = /^\w+=([^:]+)/.exec(inject) ?? []
  return ['--seccomp-bpf', '-e', 'signal=none', '-e', `trace=${syscalls}`, '-e', inject]
}

/** Runs a module like `child`, with further arguments for strace such as `-e inject=…`. */
export function straced<T>(
  t: ExecutionContext,
  script: string,
  strace: string[],
  options: ChildOptions = {},
): Straced<T> {
  const log = `${makeTree(t)}/log`
  const command = ['-f', '-qq', '--seccomp-bpf', '-o', log, ...strace, ...childCommand(script, options)]
  const output = execFileSync('strace', command, {
    cwd: packageRoot,
    encoding: 'utf8',
    timeout: patience(60_000),
  })
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  return { answer: JSON.parse(output) as T, calls: lines.map((line) => line.replace(/^\d+\s+/, '')) }
}
