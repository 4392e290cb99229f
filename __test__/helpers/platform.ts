// Skips tests whose requirements the machine does not meet, with the reason in the title.
import { spawnSync } from 'node:child_process'

import test, { type ExecutionContext } from 'ava'

import { platformName } from '../../scripts/platform.mjs'

/**
 * Declares a test, or skips it with `reason` in the title if there is one. Tests that count descriptors
 * or other resources of the process use `test.serial`.
 */
export function unless(reason: string | false, declare: typeof test.serial = test) {
  return (title: string, run: (t: ExecutionContext) => void | Promise<void>): void => {
    if (reason === false) declare(title, run)
    else test.skip(`${title} (skipped: ${reason})`, run)
  }
}

export const isLinux = process.platform === 'linux'

// `npm run platforms` runs the tests on Bun and Deno, too.
export const isDeno = 'deno' in process.versions
export const isNode = !isDeno && !('bun' in process.versions)

/** For `unless`: the reason to skip under an emulator. `npm run platforms` sets the variable. */
export const emulated = process.env['EMULATED'] ? 'cannot be done under an emulator' : false

/** For `unless`: without these numbers, a bind mount of the same device is not noticed, as documented. */
export const noMountNumbers = emulated && 'the emulator reports no numbers of mounts (stx_mnt_id)'

/** Linux with musl instead of glibc. */
export const isMusl = isLinux && platformName().endsWith('-musl')

export const notLinux = isLinux ? false : 'needs Linux'

export function missing(command: string): string | false {
  const { error } = spawnSync(command, ['--version'])
  return error ? `needs ${command}` : false
}

/** For `unless`: root is needed to become an unprivileged user, or to change settings of the machine. */
export const notRoot = process.getuid?.() === 0 ? false : 'needs root'
