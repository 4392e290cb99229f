// Tests that need something a machine may lack are skipped there, and say why.
import { spawnSync } from 'node:child_process'

import test, { type ExecutionContext } from 'ava'

import { platformName } from '../../scripts/platform.mjs'

/**
 * `test`, or where `reason` says what is missing, `test.skip` with the reason in the title.
 * Tests that count what the process has are run one after the other: `test.serial`.
 */
export function unless(reason: string | false, declare: typeof test.serial = test) {
  return (title: string, run: (t: ExecutionContext) => void | Promise<void>): void => {
    if (reason === false) declare(title, run)
    else test.skip(`${title} (skipped: ${reason})`, run)
  }
}

export const isLinux = process.platform === 'linux'

/** For `unless`: what an emulator cannot do. `npm run platforms` sets the variable. */
export const emulated = process.env['EMULATED'] ? 'cannot be done under an emulator' : false

/** Linux with musl instead of glibc. */
export const isMusl = isLinux && platformName().endsWith('-musl')

export const notLinux = isLinux ? false : 'needs Linux'

export function missing(command: string): string | false {
  const { error } = spawnSync(command, ['--version'])
  return error ? `needs ${command}` : false
}

/** Where root is asked for: to become somebody who may not read everything, or to set the machine up. */
export const notRoot = process.getuid?.() === 0 ? false : 'needs root'
