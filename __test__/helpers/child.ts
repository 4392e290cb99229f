// Runs programs in child processes: as another user, with limits, or under strace.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { patience } from './patience.js'

const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

export interface ChildOptions {
  /** The value of `args` in the script. */
  args?: unknown[]
  /** Shell commands that run first, such as `ulimit -n 64`. */
  shell?: string
  nodeArguments?: string[]
  /** The Node.js to run, by default this one. */
  node?: string | undefined
  timeout?: number
}

// `nobody` must be called after all imports, since that user may not be able to read the modules.
const prelude = `
import * as fs from 'node:fs'
import * as fdkit from 'fdkit'
const { fwalk } = fdkit
const args = JSON.parse(process.argv[1])
const answer = (value) => fs.writeSync(1, JSON.stringify(value))
const countFds = () => fs.readdirSync('/proc/self/fd').length - 1
const nobody = () => { process.setgroups([]); process.setgid(65534); process.setuid(65534) }
`

/** Returns the command line that runs a module with `fdkit` as a child process. */
export function childCommand(script: string, options: ChildOptions = {}): string[] {
  const { args = [], shell = ':', nodeArguments = [] } = options
  const node = [options.node ?? process.execPath, '--input-type=module', ...nodeArguments]
  const program = [...node, '-e', prelude + script, '--', JSON.stringify(args)]
  return ['bash', '-c', `${shell}; exec "$@"`, 'bash', ...program]
}

/** Runs a module to its end and returns the value that it passed to `answer`. */
export function child<T>(script: string, options: ChildOptions = {}): T {
  const [command = '', ...rest] = childCommand(script, options)
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
