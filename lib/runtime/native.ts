// The only door to the addon. Where there is none, every export throws ENOSYS and says why.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import type * as Addon from './binding.js'
import { syscalls } from './syscalls.js'

// The addon's functions. Where there is no addon, each of them fails as the system call here.
type Binding = Pick<typeof Addon, keyof typeof syscalls>

const platforms = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
]

// Linux's number for ENOSYS, which is what the constants' platform calls it.
const ENOSYS = -38

// Put in by the build, from package.json.
declare const FDKIT_VERSION: string

const require = createRequire(import.meta.url)

const MISSING = 'is missing'

function libc(): string {
  try {
    // A script that names its C library. The report below says it too, but takes 20 times as long.
    const ldd = readFileSync('/usr/bin/ldd', 'latin1')
    if (ldd.includes('musl')) return 'musl'
    if (ldd.includes('GNU C Library')) return 'gnu'
  } catch {
    // Not every system has it.
  }
  const report = processReport()
  if (report?.header.glibcVersionRuntime !== undefined) return 'gnu'
  return report?.sharedObjects?.some((path) => path.includes('ld-musl-')) ? 'musl' : 'unknown'
}

type Report = { header: { glibcVersionRuntime?: string }; sharedObjects?: string[] }

function processReport(): Report | undefined {
  const { report } = process as { report?: { excludeNetwork?: boolean; getReport(): object } }
  if (report === undefined) return undefined
  const { excludeNetwork = false } = report
  // Else it asks the network for the names of all peers.
  report.excludeNetwork = true
  try {
    return report.getReport() as Report
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

function platform(): string {
  const name = `${process.platform}-${process.arch}`
  return process.platform === 'linux' ? `${name}-${libc()}` : name
}

class NoAddon {
  readonly reason: string
  readonly errors: unknown[]

  constructor(reason: string, errors: unknown[] = []) {
    this.reason = reason
    this.errors = errors
  }
}

function load(): Binding | NoAddon {
  const override = process.env['NAPI_RS_NATIVE_LIBRARY_PATH']
  if (override) {
    const advice = `Unset that variable, or let it name an addon of fdkit ${FDKIT_VERSION}.`
    const name = `${override}, which NAPI_RS_NATIVE_LIBRARY_PATH names,`
    return loadFrom([override], (problem) => `${name} ${problem}. ${advice}`)
  }
  const name = platform()
  if (!platforms.includes(name)) {
    return new NoAddon(
      `The platform is not supported: fdkit has no addon for ${name}, only for ` +
        `${platforms.join(', ')}. Run it on one of those; on Windows, in WSL.`,
    )
  }
  const packageName = `@fdkit/binding-${name}`
  const command = `npm install --include=optional fdkit@${FDKIT_VERSION}`
  // The second is where a source tree has it.
  return loadFrom([packageName, `../npm/${name}/fdkit.${name}.node`], (problem) => {
    const start = `The platform is supported, but its package ${packageName} ${problem}.`
    if (problem !== MISSING) {
      return `${start} Remove it from node_modules, and install it anew: ${command}`
    }
    return (
      `${start} Install it: ${command}\n` +
      'If optional dependencies are left out (--omit=optional, --no-optional), let them in. ' +
      'If the lock file was made on another platform (npm/cli#4828), delete it and node_modules ' +
      'first. Else npm passes over it for its "engines", "os", "cpu" or "libc".'
    )
  })
}

function loadFrom(candidates: string[], explain: (problem: string) => string): Binding | NoAddon {
  const errors: unknown[] = []
  for (const candidate of candidates) {
    try {
      const addon = require(candidate) as typeof Addon
      if (addon.VERSION === FDKIT_VERSION) return addon
      const problem = `has version ${addon.VERSION}, and fdkit has ${FDKIT_VERSION}`
      return new NoAddon(explain(problem), [new Error(`${candidate} ${problem}`)])
    } catch (error) {
      errors.push(error)
      if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') continue
      return new NoAddon(explain('cannot be loaded'), errors)
    }
  }
  return new NoAddon(explain(MISSING), errors)
}

function standIn({ reason, errors }: NoAddon): Binding {
  const cause = errors.length > 0 ? new AggregateError(errors, 'No addon was loaded') : undefined
  const exports = Object.entries(syscalls).map(([name, syscall]) => [
    name,
    function unavailable() {
      // The stack shows the message that the error was made with.
      const message = `ENOSYS: function not implemented, ${syscall}: ${reason}`
      const error = new Error(message, cause && { cause })
      throw Object.assign(error, { errno: ENOSYS, code: 'ENOSYS', syscall })
    },
  ])
  return Object.fromEntries(exports) as Binding
}

const loaded = load()

/** Whether there is an addon. */
export const isAvailable = !(loaded instanceof NoAddon)

/** The addon's exports. */
export const native: Binding = loaded instanceof NoAddon ? standIn(loaded) : loaded
