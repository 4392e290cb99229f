// Tests system calls that the seccomp filter of an old container runtime denies with EPERM instead of ENOSYS.
import { constants } from 'node:os'
import * as fs from 'node:fs'

import { child, type ChildOptions } from '../helpers/child.js'
import { notRoot, unless } from '../helpers/platform.js'
import { hiding, noSeccomp } from '../helpers/seccomp.js'
import { link, makeTree } from '../helpers/tree.js'

const filtered = unless(noSeccomp)
const filteredRoot = unless(noSeccomp || notRoot)

/** Denies statx and faccessat2. */
function hidingBoth(errno: number): Pick<ChildOptions, 'shell'> {
  return { shell: `${hiding('statx', errno).shell}; ${hiding('faccessat2', errno).shell}` }
}

for (const name of ['EPERM', 'EOPNOTSUPP', 'ENOSYS'] as const) {
  const hidden = hidingBoth(constants.errno[name])

  filtered(`stat returns what node:fs returns if a filter denies statx with ${name}`, (t) => {
    const top = makeTree(t, { file: 'text', alias: link('file'), dir: {} })
    t.deepEqual(child('files/compare-stats.mjs', { args: [top], ...hidden }), [true, true, 2])
  })

  filtered(`access falls back to faccessat if a filter denies faccessat2 with ${name}`, (t) => {
    const top = makeTree(t, { file: '', alias: link('file'), dangling: link('nothing') })
    fs.chmodSync(`${top}/file`, 0o600)
    const script = `
      process.chdir(args[0])
      const { F_OK, R_OK, X_OK, canAccess } = fdkit
      const flags = [{}, { followSymlinks: false }, { effectiveIds: true }, { followSymlinks: false, effectiveIds: true }]
      answer(flags.map((options) => [
        canAccess('/etc/passwd', F_OK, options), canAccess('file', R_OK, options), canAccess('file', X_OK, options),
        canAccess('alias', R_OK, options), canAccess('dangling', F_OK, options), canAccess('none', F_OK, options),
      ]))
    `
    const following = [true, true, false, true, false, false]
    const itself = [true, true, false, true, true, false]
    t.deepEqual(child(script, { args: [top], ...hidden }), [following, itself, following, itself])
  })
}

filteredRoot('effectiveIds gives the same result with a filter and without one', (t) => {
  const top = makeTree(t, { dir: {} })
  fs.chmodSync(top, 0o755)
  const owners = [
    [0, 0],
    [65534, 0],
    [0, 65534],
    [0, 1234],
    [1234, 1234],
  ] as const
  for (const [index, [uid, gid]] of owners.entries()) {
    for (const mode of [0o000, 0o700, 0o070, 0o007, 0o640, 0o751, 0o006]) {
      const name = `${top}/${index}-${mode.toString(8)}`
      fs.writeFileSync(name, '')
      fs.chownSync(name, uid, gid)
      fs.chmodSync(name, mode)
    }
  }
  const script = 'files/access-of-both-users.mjs'
  const plain = child<boolean[][]>(script, { args: [top] })
  t.deepEqual(child(script, { args: [top], ...hidingBoth(constants.errno.EPERM) }), plain)
  for (const answers of plain) t.true(answers.includes(true) && answers.includes(false))
})

filteredRoot('an immutable file is not writable, even if its permission bits allow it', (t) => {
  // There is no filter here: this EPERM comes from the kernel.
  const found = child('files/access-of-immutable-file.mjs', { args: [makeTree(t)] })
  if (found === 'no such attribute') t.log('the file system has no immutable files')
  else t.deepEqual(found, [false, false, false])
  t.pass()
})
