// Tests the caller's edits of dirnames, which decide what a top-down walk visits (rows 12, 13 and 14 of
// docs/python-parity.md).
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import { fwalk, type FwalkEntry } from 'fdkit'
import * as promises from 'fdkit/promises'

import { thrown } from '../helpers/errors.js'
import { countFds } from '../helpers/fds.js'
import { link, makeTree, type Tree } from '../helpers/tree.js'

const TREE: Tree = { a: { sub: {} }, b: {}, c: {}, file: '', out: { target: {} }, link: link('out') }

interface Edited {
  visited: string[]
  errors: string[]
}

/** Edits dirnames at the top of a walk, and returns what is visited below the top, in order. */
function edited(
  t: ExecutionContext,
  edit: (dirnames: string[]) => void,
  options: { topdown?: boolean; followSymlinks?: boolean } = {},
): Edited {
  const top = makeTree(t, TREE)
  const errors: string[] = []
  const onerror = (error: NodeJS.ErrnoException) =>
    errors.push(`${error.code} ${error.path?.slice(top.length + 1)}`)
  const visited: string[] = []
  for (const [dirpath, dirnames] of fwalk(top, { ...options, onerror })) {
    if (dirpath === top) edit(dirnames)
    else visited.push(dirpath.slice(top.length + 1))
  }
  return { visited, errors }
}

const set =
  (...names: string[]) =>
  (dirnames: string[]) => {
    dirnames.splice(0, dirnames.length, ...names)
  }

test('12: a directory that is removed from dirnames is not visited', (t) => {
  const remove = (dirnames: string[]) => {
    for (const name of ['a', 'out']) dirnames.splice(dirnames.indexOf(name), 1)
  }
  t.deepEqual(edited(t, remove).visited.toSorted(), ['b', 'c'])
  t.deepEqual(edited(t, set()), { visited: [], errors: [] })
  const empty = (dirnames: string[]) => {
    dirnames.length = 0
  }
  t.deepEqual(edited(t, empty).visited, [])
})

test('12: directories are visited in the order of dirnames', (t) => {
  t.deepEqual(edited(t, set('c', 'a', 'b')).visited, ['c', 'a', 'a/sub', 'b'])
  t.deepEqual(edited(t, set('b', 'c', 'a')).visited, ['b', 'c', 'a', 'a/sub'])
  const sorted = edited(t, (dirnames) => dirnames.sort()).visited
  t.deepEqual(sorted, ['a', 'a/sub', 'b', 'c', 'out', 'out/target'])
})

test('12: a directory that is listed twice is visited twice', (t) => {
  t.deepEqual(edited(t, set('b', 'a', 'b', 'a')).visited, ['b', 'a', 'a/sub', 'b', 'a', 'a/sub'])
})

test('12: a directory that is added to dirnames is visited', (t) => {
  const add = (dirnames: string[]) => {
    set()(dirnames)
    dirnames.push('c')
  }
  t.deepEqual(edited(t, add).visited, ['c'])
})

test('12: a directory that is created in the loop and added is visited', (t) => {
  const top = makeTree(t, {})
  const visited = []
  for (const [dirpath, dirnames] of fwalk(top)) {
    visited.push(dirpath)
    if (dirpath !== top) continue
    fs.mkdirSync(`${top}/new`)
    dirnames.push('new')
  }
  t.deepEqual(visited, [top, `${top}/new`])
})

test('12: names that do not exist or are files are passed to onerror', (t) => {
  t.deepEqual(edited(t, set('missing', 'a', 'file', 'b')), {
    visited: ['a', 'a/sub', 'b'],
    errors: ['ENOENT missing', 'ENOTDIR file'],
  })
})

test('12: a link is not followed, wherever it is in dirnames', (t) => {
  t.deepEqual(edited(t, set('b', 'link')), { visited: ['b'], errors: [] })
  t.deepEqual(edited(t, set('link', 'b'), { followSymlinks: true }), {
    visited: ['link', 'link/target', 'b'],
    errors: [],
  })
})

test('14: edits have no effect on a bottom-up walk', (t) => {
  const expected = edited(t, () => {}, { topdown: false })
  t.deepEqual(edited(t, set('missing', '../..', '/'), { topdown: false }), expected)
  t.is(expected.visited.length, 6)
})

test('a name that is not a single path component ends the walk', (t) => {
  const invalid = ['', '.', '..', '/', 'a/sub', '../x', 'a/', '/tmp', 'a\0', 'a\ud800']
  for (const name of invalid) {
    const before = countFds()
    const top = makeTree(t, TREE)
    const walk = fwalk(top)
    walk.next().value?.[1].push(name)
    const { message } = t.throws(() => walk.next(), {
      code: 'ERR_INVALID_ARG_VALUE',
      instanceOf: TypeError,
    })
    t.regex(message, /'dirnames\[5\]'/)
    t.is(countFds(), before)
    t.true(walk.next().done)
  }
})

test('a name of another type ends the walk', (t) => {
  for (const name of [undefined, null, 1, {}, Symbol('a'), Buffer.from('a'), ['a']]) {
    const before = countFds()
    const walk = fwalk(makeTree(t, TREE))
    const dirnames = walk.next().value?.[1] as unknown[]
    dirnames[0] = name
    t.throws(() => walk.next(), { code: 'ERR_INVALID_ARG_TYPE', message: /dirnames\[0\]/ })
    t.is(countFds(), before)
    t.true(walk.next().done)
  }
})

test('a hole in dirnames ends the walk', (t) => {
  const walk = fwalk(makeTree(t, TREE))
  const dirnames = walk.next().value?.[1] ?? []
  delete dirnames[0]
  t.throws(() => walk.next(), { code: 'ERR_INVALID_ARG_TYPE', message: /dirnames\[0\]/ })
})

test('Buffers can be edited like strings', (t) => {
  const top = makeTree(t, TREE)
  const visited = []
  for (const [dirpath, dirnames] of fwalk(Buffer.from(top))) {
    visited.push(dirpath.toString())
    if (dirpath.toString() !== top) continue
    dirnames.splice(0, dirnames.length, Buffer.from('c'), new Uint8Array([0x62]) as Buffer)
  }
  t.deepEqual(visited, [top, `${top}/c`, `${top}/b`])
})

test('Buffers are validated like strings', (t) => {
  for (const name of ['', '.', '..', '/', 'a/sub', 'a\0']) {
    const walk = fwalk(Buffer.from(makeTree(t, TREE)))
    walk.next().value?.[1].push(Buffer.from(name))
    t.throws(() => walk.next(), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  const walk = fwalk(Buffer.from(makeTree(t, TREE)))
  const dirnames = walk.next().value?.[1] as unknown[]
  dirnames.push('b')
  t.throws(() => walk.next(), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('edits of filenames, of the path, and of earlier entries have no effect', (t) => {
  const top = makeTree(t, { a: { b: {} }, file: '' })
  const visited = []
  let earlier: string[] = []
  for (const entry of fwalk(top)) {
    visited.push(entry[0])
    earlier.length = 0
    earlier.push('..')
    earlier = entry[1]
    entry[0] = '/nowhere'
    entry[2].push('..')
    entry[3] = -1
  }
  t.deepEqual(visited, [top, `${top}/a`, `${top}/a/b`])
})

test('replacing the array in the entry has no effect', (t) => {
  const top = makeTree(t, { a: {} })
  const visited = []
  for (const entry of fwalk(top)) {
    visited.push(entry[0])
    entry[1] = []
  }
  t.deepEqual(visited, [top, `${top}/a`])
})

test('12: a Buffer whose bytes were edited is visited by its new name, with and without other edits', async (t) => {
  const top = makeTree(t, { a: { inside: {} }, b: {} })
  const edits: ((dirnames: Buffer[]) => void)[] = [
    (dirnames) => dirnames.find((name) => name.equals(Buffer.from('a')))?.fill('b'),
    (dirnames) => {
      dirnames.find((name) => name.equals(Buffer.from('a')))?.fill('b')
      dirnames.reverse()
    },
  ]
  for (const edit of edits) {
    const visit = async (walk: AsyncIterable<FwalkEntry<Buffer>> | Iterable<FwalkEntry<Buffer>>) => {
      const visited: string[] = []
      for await (const [dirpath, dirnames] of walk) {
        visited.push(String(dirpath).slice(top.length))
        if (visited.length === 1) edit(dirnames)
      }
      return visited
    }
    t.deepEqual(await visit(fwalk(Buffer.from(top))), ['', '/b', '/b'])
    t.deepEqual(await visit(promises.fwalk(Buffer.from(top))), ['', '/b', '/b'])
  }
  const walk = fwalk(Buffer.from(top))
  walk.next().value?.[1][0]?.fill('/')
  t.throws(() => walk.next(), { code: 'ERR_INVALID_ARG_VALUE' })
})

test('the name that was validated is the one that is visited', (t) => {
  const top = makeTree(t, { a: {}, b: {} })
  const walk = fwalk(top)
  const dirnames = walk.next().value?.[1] ?? []
  let reads = 0
  Object.defineProperty(dirnames, 0, { get: () => (reads++ === 0 ? 'changed' : reads === 2 ? 'a' : '..') })
  t.is(walk.next().value?.[0], `${top}/a`)
})

test('an error has the original path even if its Buffer has changed', (t) => {
  const path = Buffer.from('missing')
  const walk = fwalk(path)
  path.fill('x')
  t.deepEqual(thrown(() => walk.next()).path as unknown, Buffer.from('missing'))
})
