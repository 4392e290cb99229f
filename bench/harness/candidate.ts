// What is measured: a program that makes one run for each line it gets, and says how long it took.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

import { build } from 'esbuild'

/** One run of a candidate. */
export interface Run {
  nanoseconds: number
  /** Where the candidate says so, and it is not 0. */
  seen?: string
}

/** A candidate, and what it has done so far. */
export interface Candidate {
  label: string
  /** Makes what a run uses up; it is not measured. */
  prepare?(): Promise<unknown>
  run(): Promise<Run>
  close(): void
}

/** A process that stays, so that its start is not measured. */
export function resident(label: string, command: string, ...argv: string[]): Candidate {
  let child: ChildProcess | undefined
  let answers: AsyncIterator<string> | undefined
  return {
    label,
    async run() {
      child ??= spawn(command, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
      answers ??= createInterface(child.stdout!)[Symbol.asyncIterator]()
      child.stdin!.write('\n')
      const { done, value } = await answers.next()
      if (done) throw new Error(`${label} has ended`)
      const [nanoseconds, directories, entries] = value.split(' ').map(Number)
      if (directories === undefined) return { nanoseconds: nanoseconds! }
      return { nanoseconds: nanoseconds!, seen: `${directories} directories, ${entries} entries` }
    },
    close: () => child?.stdin?.end(),
  }
}

/** A process for each run, measured from its start to its end. */
export function transient(label: string, command: string, ...argv: string[]): Candidate {
  return {
    label,
    run() {
      const start = process.hrtime.bigint()
      const { status, error } = spawnSync(command, argv, { stdio: ['ignore', 'ignore', 'inherit'] })
      const nanoseconds = Number(process.hrtime.bigint() - start)
      if (status !== 0) throw error ?? new Error(`${label} ended with ${status}`)
      return Promise.resolve({ nanoseconds })
    },
    close() {},
  }
}

/** The interpreter to compare with. */
export const python = process.env['PYTHON'] ?? 'python3'

export const inRust = (label: string, ...argv: string[]) =>
  resident(label, 'target/release/fdkit-bench', ...argv)

export const inPython = (label: string, ...argv: string[]) =>
  resident(label, python, 'bench/programs/candidates.py', ...argv)

export const inJavaScript = (label: string, ...argv: string[]) =>
  resident(label, process.execPath, program('candidates'), ...argv)

/** A program of programs/, as buildPrograms makes it. */
export const program = (name: string) => `build/bench/${name}.js`

const PROGRAMS = ['candidates', 'delay', 'memory', 'handing', 'messages', 'leaks']

/**
 * Makes the programs. They are not run as they stand: what loads TypeScript also rewrites fdkit,
 * and makes it several times slower than it is.
 */
export async function buildPrograms(): Promise<void> {
  await build({
    entryPoints: PROGRAMS.map((name) => `bench/programs/${name}.ts`),
    outdir: 'build/bench',
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  })
}
