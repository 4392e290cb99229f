// Runs programs in child processes: as another user, with limits, or under strace.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { patience } from './patience.js'

const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

export interface ChildOptions {
  /** The value of `args` in the program. */
  args?: unknown[]
  /** Shell commands that run first, such as `ulimit -n 64`. */
  shell?: string
  nodeArguments?: string[]
  /** The Node.js to run, by default this one. */
  node?: string | undefined
  timeout?: number
}

const programs = new URL('../programs/', import.meta.url)

// For scripts of a few lines.
const prelude = `
import * as fs from 'node:fs'
import * as fdkit from 'fdkit'
import { answer, args, countFds, nobody, settledFds } from '${new URL('context.mjs', programs).href}'
const { fwalk } = fdkit
`

/** Returns the path of a program in `__test__/programs`. */
export const programPath = (name: string): string => fileURLToPath(new URL(name, programs))

/**
 * Returns the command line that runs a module with `fdkit` as a child process: a program of
 * `__test__/programs` by its name, or a script of a few lines.
 */
export function childCommand(program: string, options: ChildOptions = {}): string[] {
  const { args = [], shell = ':', nodeArguments = [] } = options
  const module = program.endsWith('.mjs')
    ? [programPath(program)]
    : ['--input-type=module', '-e', prelude + program, '--']
  const node = [options.node ?? process.execPath, ...nodeArguments, ...module, JSON.stringify(args)]
  return ['bash', '-c', `${shell}; exec "$@"`, 'bash', ...node]
}

/** Runs a module to its end and returns the value that it passed to `answer`. */
export function child<T>(program: string, options: ChildOptions = {}): T {
  const [command = '', ...rest] = childCommand(program, options)
  const { status, signal, stdout, stderr, error } = spawnSync(command, rest, {
    cwd: packageRoot,
    encoding: 'utf8',
    timeout: options.timeout ?? patience(100_000),
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 28,
  })
  if (error) throw error
  if (status !== 0) throw new Error(`child ended with ${status ?? signal}: ${stderr}`)
  return JSON.parse(stdout) as T
}

export { packageRoot }
