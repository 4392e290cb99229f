// Explains why the addon cannot be loaded, and what to do about it.
import { join } from 'node:path'

import { exists, platforms } from './platform.js'

// The build defines it from package.json.
declare const FDKIT_VERSION: string

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code

export const isNotFound = (error: unknown) => codeOf(error) === 'MODULE_NOT_FOUND'

// Deno throws this error if a permission is not granted.
const isDenied = (error: unknown) => (error as Error | undefined)?.name === 'NotCapable'

/**
 * Returns whether this process may not load addons at all, so that trying another file is useless.
 */
export function isRefused(error: unknown): boolean {
  return codeOf(error) === 'ERR_DLOPEN_DISABLED' || isDenied(error)
}

export function explainRefused(error: unknown): string {
  if (isDenied(error)) {
    const [flag = '--allow-all'] = /--allow-\w+/.exec((error as Error).message) ?? []
    return (
      `Deno refuses to load the addon: ${(error as Error).message}. It needs ${flag}; ` +
      'fdkit needs --allow-ffi, --allow-read if the addon is not in its usual place, and --allow-env ' +
      'to see FDKIT_ADDON.'
    )
  }
  // The oldest @types/node that fdkit supports has no type for it.
  const { permission } = process as { permission?: unknown }
  if (permission === undefined) {
    return 'This process was started with --no-addons, and fdkit is an addon. Start it without that flag.'
  }
  return (
    'The permission model is on (--permission, in Node.js 20 --experimental-permission), and fdkit is an ' +
    'addon. Start the process with --allow-addons, too. fdkit then checks each path against the model: ' +
    'https://github.com/fdkit/fdkit/blob/main/docs/permissions.md describes what that does not cover.'
  )
}

/** Returns the values of "os", "cpu" and "libc" in the package of a platform. */
function manifestFields(name: string): [os: string, cpu: string, libc: string | undefined] {
  const [os = '', cpu = '', libc] = name.split('-')
  return [os, cpu, libc === 'gnu' ? 'glibc' : libc]
}

function otherPlatforms(name: string, directory: string | undefined): string[] {
  if (directory === undefined) return []
  const isThere = (other: string) => exists(join(directory, '../../@fdkit', `binding-${other}`))
  return platforms.filter((other) => other !== name && isThere(other))
}

const start = (name: string, problem: string) =>
  `The platform is supported, but its package @fdkit/binding-${name} ${problem}.`

const command = `npm install --include=optional fdkit@${FDKIT_VERSION}`

/**
 * Returns the message for a package that is installed but cannot be used. `problem` follows the
 * name of the package.
 */
export function explainBroken(name: string, problem: string): string {
  return (
    `${start(name, problem)} Remove it from node_modules, and reinstall it: ${command}, ` +
    'or the same with pnpm, yarn or bun.'
  )
}

/**
 * Returns the message for the case that no addon was found, or that none of those found could be
 * loaded.
 */
export function explainMissing(
  name: string,
  directory: string | undefined,
  errors: readonly unknown[],
): string {
  const refused = errors.find(isRefused)
  if (refused !== undefined) return explainRefused(refused)
  if (!errors.every(isNotFound)) return explainBroken(name, 'cannot be loaded')
  const others = otherPlatforms(name, directory).map((other) => `@fdkit/binding-${other}`)
  const [os, cpu, libc] = manifestFields(name)
  const flags = `--os=${os} --cpu=${cpu}${libc === undefined ? '' : ` --libc=${libc}`}`
  const lists = `os: [${os}], cpu: [${cpu}]${libc === undefined ? '' : `, libc: [${libc}]`}`
  const elsewhere =
    `npm install ${flags}; for pnpm (pnpm-workspace.yaml) and yarn (.yarnrc.yml) ` +
    `supportedArchitectures: { ${lists} }`
  if (others.length > 0) {
    return (
      `${start(name, 'is missing')} ${others.join(', ')} ${others.length === 1 ? 'is' : 'are'} installed: ` +
      'node_modules was installed on or for another platform. Install it on the platform that the ' +
      `program runs on, or for it: ${elsewhere}.`
    )
  }
  return (
    `${start(name, 'is missing')} Install it: ${command}\n` +
    'If optional dependencies are omitted, include them (npm: --omit=optional; pnpm: --no-optional; ' +
    'yarn: --ignore-optional). If the lock file was made on another platform (npm/cli#4828), delete ' +
    `it and node_modules first. If you install for another platform: ${elsewhere}. If this is a bundle: ` +
    'https://github.com/fdkit/fdkit/blob/main/docs/bundlers.md describes what to copy; FDKIT_ADDON may name the ' +
    'file. Otherwise, the package manager skips the package because of its "engines", "os", "cpu" or "libc".'
  )
}

export function unsupportedPlatform(name: string): string {
  return (
    `The platform is not supported: fdkit has no addon for ${name}, only for ` +
    `${platforms.join(', ')}. Run it on one of those; on Windows, in WSL.`
  )
}
