// Node.js that can share mappings, where the one that runs this cannot.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

import { supportsSharedMapping } from 'fdkit'

// From npm run runtimes.
const NEWER = 'build/runtimes/node-24/node_modules/.bin/node'

/** A Node.js to measure on. */
export interface Runtime {
  command: string
  version: string
  /** How it comes to shared memory. */
  method: 'share' | 'map'
}

function runtime(command: string, method: 'share' | 'map'): Runtime {
  const version = execFileSync(command, ['--version'], { encoding: 'utf8' }).trim()
  return { command, version, method }
}

/** That of the benchmark, and where it cannot share and another is there that can, that too. */
export function runtimes(): Runtime[] {
  const own = runtime(process.execPath, supportsSharedMapping ? 'share' : 'map')
  return supportsSharedMapping || !existsSync(NEWER) ? [own] : [own, runtime(NEWER, 'share')]
}
