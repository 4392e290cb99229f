// The only door to the addon. Where there is none, every export throws ENOSYS and says why.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import type * as Addon from './binding.js'
import { systemError } from './error.js'

type Binding = Omit<typeof Addon, 'VERSION'>

// What each export stands for, for the error where there is no addon.
const syscalls = {
  dup: 'dup',
  fcntlAddSeals: 'fcntl',
  fcntlGetSeals: 'fcntl',
  fcntlGetfd: 'fcntl',
  fcntlSetfd: 'fcntl',
  fstat: 'fstat',
  getdents64: 'getdents64',
  getdents64Fd: 'getdents64',
  memfdCreate: 'memfd_create',
  openat: 'openat',
  statx: 'statx',
  unlinkat: 'unlinkat',
  unlinkatRemovedir: 'unlinkat',
  Walk: 'openat',
} satisfies Record<keyof Binding, string>

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

function libc(): string {
  try {
    // A script that names its C library. The report below says it too, but takes 20 times as long.
    return readFileSync('/usr/bin/ldd', 'latin1').includes('musl') ? 'musl' : 'gnu'
  } catch {
    const report = process.report?.getReport() as
      | { header: { glibcVersionRuntime?: string }; sharedObjects: string[] }
      | undefined
    if (report?.header.glibcVersionRuntime !== undefined) return 'gnu'
    return report?.sharedObjects.some((path) => path.includes('ld-musl-')) ? 'musl' : 'unknown'
  }
}

function platform(): string {
  const name = `${process.platform}-${process.arch}`
  return process.platform === 'linux' ? `${name}-${libc()}` : name
}

class NoAddon {
  readonly reason: string
  readonly cause: unknown

  constructor(reason: string, cause?: unknown) {
    this.reason = reason
    this.cause = cause
  }
}

function load(): Binding | NoAddon {
  const override = process.env['NAPI_RS_NATIVE_LIBRARY_PATH']
  if (override) return loadFrom([override], override, 'NAPI_RS_NATIVE_LIBRARY_PATH names it.')

  const name = platform()
  if (!platforms.includes(name)) {
    const reason = `fdkit has no addon for ${name}. There is one for ${platforms.join(', ')}.`
    return new NoAddon(reason)
  }
  const packageName = `@fdkit/binding-${name}`
  // The second is where a source tree has it.
  return loadFrom(
    [packageName, `../npm/${name}/fdkit.${name}.node`],
    packageName,
    `Possible solutions: npm install --include=optional ${packageName}@${FDKIT_VERSION}. ` +
      'If optional dependencies are left out (--omit=optional, --no-optional), let them in. ' +
      'If the lock file comes from another platform (npm/cli#4828), delete it and node_modules, ' +
      'and install again. If it is filtered out, look at "engines", "os", "cpu" and "libc".',
  )
}

function loadFrom(candidates: string[], name: string, advice: string): Binding | NoAddon {
  const errors: unknown[] = []
  let reason = `The platform is supported, but its package ${name} is missing. ${advice}`
  for (const candidate of candidates) {
    try {
      const addon = require(candidate) as typeof Addon
      if (addon.VERSION === FDKIT_VERSION) return addon
      reason = `${name} is of version ${addon.VERSION}, and fdkit of ${FDKIT_VERSION}. ${advice}`
      errors.push(new Error(`${candidate} has version ${addon.VERSION}, not ${FDKIT_VERSION}`))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') {
        reason = `The platform is supported, but ${name} cannot be loaded. ${advice}`
      }
      errors.push(error)
    }
    if (!reason.includes('is missing')) break
  }
  return new NoAddon(reason, new AggregateError(errors, `${name} cannot be loaded`))
}

function standIn({ reason, cause }: NoAddon): Binding {
  const exports = Object.entries(syscalls).map(([name, syscall]) => [
    name,
    function unavailable() {
      const error = systemError({ errno: ENOSYS, syscall })
      Object.assign(error, { errno: ENOSYS, code: 'ENOSYS' })
      error.message = `ENOSYS: function not implemented, ${syscall}: ${reason}`
      if (cause !== undefined) {
        Object.defineProperty(error, 'cause', { value: cause, writable: true, configurable: true })
      }
      throw error
    },
  ])
  return Object.fromEntries(exports) as Binding
}

const loaded = load()

/** The addon's exports. */
export const native: Binding = loaded instanceof NoAddon ? standIn(loaded) : loaded
