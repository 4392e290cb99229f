// The runtimes that tests can use: this one, and those of `npm run runtimes`.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { supportsSharedMapping } from 'fdkit'

import { packageRoot } from './child.js'
import { patience } from './patience.js'
import { emulated, isMusl, isNode } from './platform.js'

export interface Runtime {
  name: string
  /** The command line to which the path of a program is appended. */
  command: [string, ...string[]]
}

const HOW = !isNode
  ? 'the run on Node.js starts it'
  : isMusl || emulated
    ? 'needs another Node.js, glibc, and no emulator'
    : 'run "npm run runtimes"'
const names = ['node-20', 'node-22', 'node-24', 'node-26', 'bun', 'deno']

function find(name: string): Runtime | undefined {
  // Older versions of Node.js 22 and later cannot share mappings, which the tests expect of them.
  if (!isNode) return undefined
  const isOwn = `v${name.replace('node-', '')}` === process.version.split('.', 1)[0]
  if (isOwn && (supportsSharedMapping || name === 'node-20')) return { name, command: [process.execPath] }
  // The other runtimes are built for glibc and the processor of the machine.
  if (isMusl || emulated) return undefined
  const modules = join(packageRoot, 'build/runtimes', name, 'node_modules')
  const binaries = [
    `node-linux-${process.arch}/bin/node`,
    ...['bun-linux-x64', 'bun-linux-aarch64'].map((directory) => `@oven/${directory}/bin/bun`),
    `@deno/linux-${process.arch}-glibc/deno`,
  ]
  const binary = binaries.map((path) => join(modules, path)).find(existsSync)
  if (binary === undefined) return undefined
  return { name, command: name === 'deno' ? [binary, 'run', '--allow-all', '--quiet'] : [binary] }
}

/** Each supported runtime, or the reason why it is missing. */
export const runtimes = names.map((name) => {
  const runtime = find(name)
  return { name, runtime, missing: runtime ? (false as const) : `${name} is missing: ${HOW}` }
})

function sharing(): string | undefined {
  if (supportsSharedMapping) return process.execPath
  return find('node-24')?.command[0]
}

/** A Node.js that can create a SharedArrayBuffer over a mapping, if there is one. */
export const sharingNode = sharing()

/** For `unless`. */
export const noSharing = sharingNode === undefined && `needs a Node.js that shares mappings: ${HOW}`

/** Runs a program to its end on a runtime, and returns its output. */
export async function runOn({ name, command }: Runtime, ...argv: string[]): Promise<string> {
  const [binary, ...args] = command
  const options = {
    cwd: packageRoot,
    timeout: patience(100_000),
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 28,
  } as const
  try {
    return (await promisify(execFile)(binary, [...args, ...argv], options)).stdout
  } catch (error) {
    const { code, signal, stderr } = error as { code?: number; signal?: string; stderr?: string }
    throw new Error(`${name} ended with ${code ?? signal}: ${stderr}`, { cause: error })
  }
}
