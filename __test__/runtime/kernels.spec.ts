// Tests what docs/kernel-features.md says about older kernels, each in a process whose kernel lacks the
// same system calls.
import { readFileSync } from 'node:fs'

import { child } from '../helpers/child.js'
import { has, onKernel, releases, type Release } from '../helpers/kernels.js'
import { link, makeTree } from '../helpers/tree.js'
import { noSeccomp } from '../helpers/seccomp.js'
import { unless } from '../helpers/platform.js'

const [major = 0, minor = 0] = readFileSync('/proc/sys/kernel/osrelease', 'utf8')
  .split('.')
  .map(Number.parseFloat)
const tooOld = major < 6 || (major === 6 && minor < 6) ? 'needs Linux 6.6' : false

// Uses each feature once. The result is true or the code of the error.
const program = 'runtime/features.mjs'

function expected(release: Release) {
  const since = (other: string, before: string) => (has(release, other) ? true : before)
  return {
    // Before Linux 5.6, fdkit resolves the path itself.
    'open within bounds': true,
    'rename with flags': true,
    'chmod without following': since('6.6', 'ENOTSUP'),
    'access of the effective user': true,
    'access of a link itself': true,
    stat: true,
    memfd: true,
    MFD_NOEXEC_SEAL: since('6.3', 'EINVAL'),
    MFD_EXEC: since('6.3', 'EINVAL'),
    F_SEAL_FUTURE_WRITE: since('5.1', 'EINVAL'),
    F_SEAL_EXEC: since('6.3', 'EINVAL'),
    populate: true,
    'wait until a signal': 'ABORT_ERR',
    listing: true,
    walk: true,
    delete: true,
  }
}

for (const release of releases) {
  unless(noSeccomp || tooOld)(`on Linux ${release} the features work that the documentation lists`, (t) => {
    const top = makeTree(t, { file: 'text', other: 'more', dangling: link('nothing'), dir: { inner: {} } })
    t.deepEqual(child(program, { args: [top], ...onKernel(release) }), expected(release))
  })
}
