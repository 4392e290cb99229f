import test from 'ava'
import { fwalk } from 'fdkit'

import { countFds } from './helpers/fds.js'
import { makeTree } from './helpers/tree.js'

test('yields path, directories, files and a descriptor', (t) => {
  const top = makeTree(t, { a: { file: '' }, file: '' })
  const before = countFds()
  const steps = [...fwalk(top)].map((entry) => entry.slice(0, 3))
  t.deepEqual(steps, [
    [top, ['a'], ['file']],
    [`${top}/a`, [], ['file']],
  ])
  t.is(countFds(), before)
})
