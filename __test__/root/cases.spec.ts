// Runs the cases of Go's os.Root tests and compares a Root with node:fs, in each way of resolving.
import test from 'ava'

import { child } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { modes, refusals } from '../helpers/root-modes.js'
import { makeTreeInMemory, writeTree } from '../helpers/tree.js'

interface Report {
  complaints: string[]
  cases: number
}

const program = `
  const { run } = await import(${JSON.stringify(new URL('../helpers/root-cases.mjs', import.meta.url).href)})
  answer(await run())
`

for (const { title, shell, missing } of modes) {
  unless(notLinux || missing)(`every case of Go's os.Root tests holds, ${title}`, (t) => {
    t.timeout(patience(600_000))
    const { complaints, cases } = child<Report>(program, { shell, timeout: patience(600_000) })
    t.deepEqual(complaints, [])
    t.true(cases > 4000, `${cases} cases`)
  })
}

const outcomes = {
  renameAfterOpen: ['contents', ['file', 'sub'], true, [], 'ERR_FDKIT_ESCAPE'],
  // A link to the root itself is followed, so d/d/d is d, which is removed.
  symlinkToRoot: [['d'], ['d'], '.', 'ERR_FDKIT_ESCAPE', 'done', []],
  removeDot: [true, ['dir']],
  openFileAsRoot: Array.from({ length: 5 }, () => 'ENOTDIR'),
  nonPermissionMode: [true, true],
  close: ['"contents"', 'ERR_INVALID_STATE', 'done'],
  raceRenameDir: [0, true, true],
}

for (const { title, shell, missing } of modes) {
  unless(notLinux || missing, test.serial)(`Go's tests of os.Root without a table hold, ${title}`, (t) => {
    t.timeout(patience(200_000))
    const found = child('root/moves.mjs', { shell, args: [makeTreeInMemory(t)], timeout: patience(200_000) })
    const expected = ['sync', 'promises'].flatMap((kind) =>
      Object.entries(outcomes).map(([name, outcome]) => [`${kind} ${name}`, outcome]),
    )
    t.deepEqual(found, Object.fromEntries(expected))
  })
}

for (const { title, shell, missing } of refusals) {
  unless(notLinux || missing)(`every case holds if openat2 always fails with ${title}`, (t) => {
    t.timeout(patience(600_000))
    const { complaints } = child<Report>(program, { shell, timeout: patience(600_000) })
    t.deepEqual(complaints, [])
  })
}

const onOneDevice = `
  const root = fdkit.openRoot(args[0], { crossDevice: false })
  try { answer(root.readFile('dir/../file', 'utf8')) } catch ({ code, syscall }) { answer([code, syscall]) }
`

for (const { title, shell, missing } of refusals) {
  const isBusy = title === 'EAGAIN'
  // Only the kernel sees a mount of the same file system, so nothing else may resolve instead.
  const outcome = isBusy ? 'the error is reported' : 'fdkit resolves'
  unless(notLinux || missing)(`${outcome} with crossDevice: false if openat2 fails with ${title}`, (t) => {
    const top = makeTreeInMemory(t)
    writeTree(top, { dir: {}, file: 'contents' })
    const found = child(onOneDevice, { shell, args: [top] })
    t.deepEqual(found, isBusy ? ['EAGAIN', 'openat2'] : 'contents')
  })
}

test('the number of cases of each table is that of Go', async (t) => {
  const { tables } = await import('../helpers/root-cases.mjs')
  t.deepEqual(tables, { cases: 25, consistency: 23, refs: 8 })
})
