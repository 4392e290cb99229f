// A Node.js that can share mappings, in case the one that runs the benchmark cannot.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

import { supportsSharedMapping } from 'fdkit'

// Installed by npm run runtimes.
const NEWER = 'build/runtimes/node-24/node_modules/.bin/node'

/** A Node.js to measure on. */
export interface Runtime {
  command: string
  version: string
  /** The method of Memfd that it uses for shared memory. */
  method: 'share' | 'map'
}

function runtime(command: string, method: 'share' | 'map'): Runtime {
  const version = execFileSync(command, ['--version'], { encoding: 'utf8' }).trim()
  return { command, version, method }
}

/**
 * Returns the runtime of the benchmark. If that cannot share mappings, and another that can is
 * installed, that one is added.
 */
export function runtimes(): Runtime[] {
  const own = runtime(process.execPath, supportsSharedMapping ? 'share' : 'map')
  return supportsSharedMapping || !existsSync(NEWER) ? [own] : [own, runtime(NEWER, 'share')]
}
