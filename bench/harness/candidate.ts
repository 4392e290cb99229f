// The candidates to measure. A candidate is a program that makes one run for each line that it
// reads, and prints how long the run took.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

import { build } from 'esbuild'

/** The result of one run of a candidate. */
export interface Run {
  nanoseconds: number
  /** The entries that the run saw, if the candidate prints them and there are any. */
  seen?: string
}

/** A candidate and the results of its runs so far. */
export interface Candidate {
  label: string
  /** Creates what a run uses up. It is not part of the measured time. */
  prepare?(): Promise<unknown>
  run(): Promise<Run>
  close(): void
}

/** Returns a candidate that is one long-lived process, so that its start is not measured. */
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

/** Returns a candidate that is a new process for each run, measured from its start to its end. */
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

/** The Python interpreter to compare with. */
export const python = process.env['PYTHON'] ?? 'python3'

export const inRust = (label: string, ...argv: string[]) =>
  resident(label, 'target/release/fdkit-bench', ...argv)

export const inPython = (label: string, ...argv: string[]) =>
  resident(label, python, 'bench/programs/candidates.py', ...argv)

export const inJavaScript = (label: string, ...argv: string[]) =>
  resident(label, process.execPath, program('candidates'), ...argv)

/** Returns the path of a program of programs/, as built by buildPrograms. */
export const program = (name: string) => `build/bench/${name}.js`

const PROGRAMS = ['candidates', 'delay', 'memory', 'handing', 'messages', 'ipc', 'leaks']

/**
 * Builds the programs. They are not run as TypeScript: the loader would also rewrite fdkit, which
 * makes it several times slower.
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
