// The runtimes that can be had, to run programs on: this one, and those of `npm run runtimes`.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { supportsSharedMapping } from 'fdkit'

import { packageRoot } from './child.js'
import { patience } from './patience.js'
import { emulated, isMusl } from './platform.js'

export interface Runtime {
  name: string
  /** The command line that a program's path is added to. */
  command: [string, ...string[]]
}

const HOW = isMusl || emulated ? 'needs glibc, and no emulator' : 'run "npm run runtimes"'
const names = ['node-20', 'node-22', 'node-24', 'node-26', 'bun', 'deno']

function find(name: string): Runtime | undefined {
  if (`v${name.replace('node-', '')}` === process.version.split('.', 1)[0]) return { name, command: [process.execPath] }
  // The others are built for glibc and for the machine's own processor.
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

/** Each that the package is for, and why it is not there where it is not. */
export const runtimes = names.map((name) => {
  const runtime = find(name)
  return { name, runtime, missing: runtime ? (false as const) : `${name} is missing: ${HOW}` }
})

function sharing(): string | undefined {
  if (supportsSharedMapping) return process.execPath
  return find('node-24')?.command[0]
}

/** A Node.js that can make a SharedArrayBuffer over a mapping, where there is one. */
export const sharingNode = sharing()

/** For `unless`. */
export const noSharing = sharingNode === undefined && `needs a Node.js that shares mappings: ${HOW}`

/** Runs a program to its end on a runtime, and returns what it wrote. */
export async function runOn({ name, command }: Runtime, ...argv: string[]): Promise<string> {
  const [binary, ...args] = command
  const options = { cwd: packageRoot, timeout: patience(100_000), killSignal: 'SIGKILL', maxBuffer: 2 ** 28 } as const
  try {
    return (await promisify(execFile)(binary, [...args, ...argv], options)).stdout
  } catch (error) {
    const { code, signal, stderr } = error as { code?: number; signal?: string; stderr?: string }
    throw new Error(`${name} ended with ${code ?? signal}: ${stderr}`, { cause: error })
  }
}
