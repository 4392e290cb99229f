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
const program = `
  const {
    addSeals, canAccess, chmod, listdir, Memfd, memfdCreate, mmap, munmap, open, rename,
    rmtree, scandir, stat, F_OK, F_SEAL_EXEC, F_SEAL_FUTURE_WRITE, MFD_ALLOW_SEALING, MFD_EXEC, MFD_NOEXEC_SEAL,
    R_OK, RENAME_EXCHANGE, RESOLVE_BENEATH,
  } = fdkit
  const { futexWaitAsync } = await import('fdkit/promises')
  process.chdir(args[0])
  const found = {}
  const attempt = async (name, call) => {
    try { found[name] = (await call()) ?? true } catch (error) { found[name] = error.code ?? error.name }
  }
  const sealed = (seal) => {
    const fd = memfdCreate('sealed', MFD_ALLOW_SEALING)
    try { addSeals(fd, seal) } finally { fs.closeSync(fd) }
  }
  await attempt('open within bounds', () => fs.closeSync(open('file', 'r', { resolve: RESOLVE_BENEATH })))
  await attempt('rename with flags', () => rename('file', 'other', { flags: RENAME_EXCHANGE }))
  await attempt('chmod without following', () => chmod('file', 0o600, { followSymlinks: false }))
  await attempt('access of the effective user', () => canAccess('file', R_OK, { effectiveIds: true }))
  await attempt('access of a link itself', () => canAccess('dangling', F_OK, { followSymlinks: false }))
  await attempt('stat', () => stat('file').size === 4)
  await attempt('memfd', () => Memfd.create('text', { contents: 'text' }).read().toString() === 'text')
  await attempt('MFD_NOEXEC_SEAL', () => fs.closeSync(memfdCreate('sealed', MFD_NOEXEC_SEAL)))
  await attempt('MFD_EXEC', () => fs.closeSync(memfdCreate('executable', MFD_EXEC)))
  await attempt('F_SEAL_FUTURE_WRITE', () => sealed(F_SEAL_FUTURE_WRITE))
  await attempt('F_SEAL_EXEC', () => sealed(F_SEAL_EXEC))
  const memfd = Memfd.create('words', { size: 4096 })
  await attempt('populate', () => munmap(mmap(memfd.fd, { populate: true })))
  const words = new Int32Array(memfd.map())
  await attempt('wait until a signal', () => futexWaitAsync(words, 0, 0, { timeout: 60_000, signal: AbortSignal.timeout(20) }))
  await attempt('listing', () => listdir('dir').length === 1 && [...scandir('dir')].length === 1)
  await attempt('walk', () => [...fwalk('dir')].length === 2)
  await attempt('delete', () => rmtree('dir'))
  answer(found)
`

function expected(release: Release) {
  const since = (other: string, before: string) => (has(release, other) ? true : before)
  return {
    'open within bounds': since('5.6', 'ENOSYS'),
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
