// Runs the cases of Go's os.Root tests and compares a Root with node:fs, in each way of resolving.
import test from 'ava'

import { child } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { modes, refused } from '../helpers/root-modes.js'
import { makeTreeInMemory } from '../helpers/tree.js'

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

unless(notLinux || refused.missing)('a filter that answers EPERM makes fdkit resolve by itself', (t) => {
  const found = child(
    `
    fs.mkdirSync('build', { recursive: true })
    using root = fdkit.openRoot('build')
    const codes = []
    for (const path of ['../package.json', '/etc', 'no/such']) {
      try { root.stat(path) } catch ({ code }) { codes.push(code) }
    }
    answer(codes)`.replace('using root', 'const root'),
    { shell: refused.shell },
  )
  t.deepEqual(found, ['ERR_FDKIT_ESCAPE', 'ERR_FDKIT_ESCAPE', 'ENOENT'])
})

test('the number of cases of each table is that of Go', async (t) => {
  const { tables } = await import('../helpers/root-cases.mjs')
  t.deepEqual(tables, { cases: 25, consistency: 23, refs: 8 })
})
