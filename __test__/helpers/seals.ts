// The six seals, all their combinations, and sealed files.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'

import { isLinux, notLinux } from './platform.js'

const { F_SEAL_EXEC, F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE } = fdkit
const { MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_EXEC } = fdkit

/** The seals that forbid writing. */
export const WRITES = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE

const names = {
  SEAL: F_SEAL_SEAL,
  SHRINK: F_SEAL_SHRINK,
  GROW: F_SEAL_GROW,
  WRITE: F_SEAL_WRITE,
  FUTURE_WRITE: F_SEAL_FUTURE_WRITE,
  EXEC: F_SEAL_EXEC,
}

/** All 64 combinations of seals, each with a description. */
export const combinations = Array.from({ length: 64 }, (_, seals) => {
  const parts = Object.entries(names).filter(([, bit]) => seals & bit)
  return { seals, words: parts.map(([name]) => name).join('+') || 'none' }
})

function release(): [major: number, minor: number] {
  const [major, minor] = fs.readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('.')
  return [Number(major), Number.parseInt(minor ?? '0')]
}

/** For `unless`: returns false if the kernel has MFD_EXEC, MFD_NOEXEC_SEAL and F_SEAL_EXEC. */
export function noExecSeals(): string | false {
  if (notLinux) return notLinux
  const [major, minor] = release()
  return major > 6 || (major === 6 && minor >= 3) ? false : 'needs Linux 6.3'
}

const canExec = isLinux && !noExecSeals()

/** Returns the seals that a file gets: F_SEAL_EXEC on an executable file also adds others. */
export function broughtBy(seals: number, isExecutable: boolean): number {
  const all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE
  return seals & F_SEAL_EXEC && isExecutable ? seals | all : seals
}

/** Creates a sealed file of `size` letters "a". */
export function sealed(seals: number, isExecutable: boolean, size: number): number {
  const fd = fdkit.memfdCreate('sealed', MFD_CLOEXEC | MFD_ALLOW_SEALING | (canExec ? MFD_EXEC : 0))
  fs.writeSync(fd, Buffer.alloc(size, 'a'))
  fs.fchmodSync(fd, isExecutable ? 0o777 : 0o666)
  if (seals) fdkit.addSeals(fd, seals)
  return fd
}
