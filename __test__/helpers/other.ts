// Another process that operates on files on request.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

import { programPath } from './child.js'

/** The path of a program that reads lines of JSON, [[path, attempt], ...], and prints the outcome of each. */
export const OTHER = programPath('memory/attempts.py')

export const attempts = [
  'cut',
  'open with O_TRUNC',
  'lengthen',
  'reserve',
  'write',
  'write beyond',
  'punch',
  'chmod x',
  'chmod w',
  'map shared',
  'map read-only, make writable',
  'map privately',
  'seal',
] as const
export type Attempt = (typeof attempts)[number]

export interface Other {
  /** Returns the outcome of each attempt: `'fine'` or the name of the error. Calls must not overlap. */
  attempt(...tasks: [path: string, attempt: Attempt][]): Promise<string[]>
  stop(): void
}

/** Starts a process that lives until it is stopped. */
export function startOther(): Other {
  const python = spawn('python3', [OTHER], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(python.stdout)[Symbol.asyncIterator]()
  return {
    async attempt(...tasks) {
      python.stdin.write(`${JSON.stringify(tasks)}\n`)
      const { done, value } = await lines.next()
      if (done) throw new Error('the other process has ended')
      return JSON.parse(value) as string[]
    },
    stop: () => void python.kill('SIGKILL'),
  }
}
