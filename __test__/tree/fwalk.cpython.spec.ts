// Tests what CPython's own tests of os.fwalk check (test_os: WalkTests, FwalkTests and their variants for
// bytes), one test for each, with strings and with Buffers. Titles are the names of CPython's tests.
import * as fs from 'node:fs'
import { basename, dirname } from 'node:path'
import { pathToFileURL } from 'node:url'

import test, { type ExecutionContext } from 'ava'
import { fwalk, listdir, stat, type FwalkOptions } from 'fdkit'

import { nextFd } from '../helpers/fds.js'
import { FIFO, link, makeTree } from '../helpers/tree.js'

type Skip = Omit<NodeJS.ErrnoException, 'path'> & { path: string | Buffer }

interface Options extends Omit<FwalkOptions, 'onerror'> {
  onerror?: (error: Skip) => void
}
type Entry = [dirpath: string, dirnames: string[], filenames: string[], dirfd: number]

/** A walk whose names are converted to strings. The loop's edits of the names are passed to the walk. */
type Walk = (top: string, options?: Options) => IterableIterator<Entry>

const strings: Walk = (top, options) => fwalk(top, options)

const buffers: Walk = function* (top, options) {
  for (const [dirpath, dirnames, filenames, dirfd] of fwalk(Buffer.from(top), options)) {
    const names = dirnames.map(String)
    yield [String(dirpath), names, filenames.map(String), dirfd]
    dirnames.splice(0, dirnames.length, ...names.map((name) => Buffer.from(name)))
  }
}

/** The tree that all tests walk, without the unreadable directory, as when root runs CPython's tests. */
function setUp(t: ExecutionContext) {
  const root = makeTree(t, {
    TEST1: {
      tmp1: '1',
      SUB1: { tmp2: '2', SUB11: {} },
      SUB2: {
        tmp3: '3',
        link: link('../../TEST2'),
        broken_link: link('broken'),
        broken_link2: link('tmp3/broken'),
        broken_link3: link('SUB21/tmp5'),
      },
    },
    TEST2: { tmp4: '4' },
  })
  const top = `${root}/TEST1`
  const sub1: Step = [`${top}/SUB1`, ['SUB11'], ['tmp2']]
  const sub11: Step = [`${top}/SUB1/SUB11`, [], []]
  const files = ['broken_link', 'broken_link2', 'broken_link3', 'tmp3']
  const sub2: Step = [`${top}/SUB2`, ['link'], files]
  return { root, top, sub1, sub11, sub2 }
}

type Step = [dirpath: string, dirnames: string[], filenames: string[]]

const sorted = ([dirpath, dirnames, filenames]: Entry): Step => [
  dirpath,
  dirnames.toSorted(),
  filenames.toSorted(),
]

function both(title: string, run: (t: ExecutionContext, walk: Walk) => void): void {
  test(`${title}: strings`, (t) => run(t, strings))
  test(`${title}: Buffers`, (t) => run(t, buffers))
}

const optionCombinations: Options[] = [true, false].flatMap((topdown) =>
  [true, false].map((followSymlinks) => ({ topdown, followSymlinks })),
)

both('walk_topdown', (t, walk) => {
  const { top, sub1, sub11, sub2 } = setUp(t)
  const [first, ...rest] = walk(top)
  t.deepEqual(first && sorted(first), [top, ['SUB1', 'SUB2'], ['tmp1']])
  const expected = first?.[1][0] === 'SUB1' ? [sub1, sub11, sub2] : [sub2, sub1, sub11]
  t.deepEqual(rest.map(sorted), expected)
})

function prune(t: ExecutionContext, entries: Iterable<Entry>, top: string, sub2: Step) {
  const seen: Entry[] = []
  for (const entry of entries) {
    seen.push(entry)
    const index = entry[1].indexOf('SUB1')
    if (index !== -1) entry[1].splice(index, 1)
  }
  t.deepEqual(seen.map(sorted), [[top, ['SUB2'], ['tmp1']], sub2])
}

both('walk_prune', (t, walk) => {
  const { top, sub2 } = setUp(t)
  prune(t, walk(top), top, sub2)
})

// os.PathLike has one counterpart, which is always a string.
test('file_like_path: URL', (t) => {
  const { top, sub2 } = setUp(t)
  prune(t, fwalk(pathToFileURL(top)), top, sub2)
})

test('file_like_path: Uint8Array', (t) => {
  const { top } = setUp(t)
  const bytes = new Uint8Array(Buffer.from(top))
  t.deepEqual([...fwalk(bytes)].map(([dirpath]) => String(dirpath)).length, 4)
})

both('walk_bottom_up', (t, walk) => {
  const { top, sub1, sub11, sub2 } = setUp(t)
  const seen = [...walk(top, { topdown: false })]
  const last = seen.pop()
  t.deepEqual(last && sorted(last), [top, ['SUB1', 'SUB2'], ['tmp1']])
  const expected = last?.[1][0] === 'SUB1' ? [sub11, sub1, sub2] : [sub2, sub11, sub1]
  t.deepEqual(seen.map(sorted), expected)
})

both('walk_symlink', (t, walk) => {
  const { top } = setUp(t)
  const followed = [...walk(top, { followSymlinks: true })].map(sorted)
  const path = `${top}/SUB2/link`
  t.deepEqual(
    followed.find(([dirpath]) => dirpath === path),
    [path, [], ['tmp4']],
  )

  const broken = walk(`${top}/SUB2/broken_link`, { followSymlinks: true })
  t.throws(() => broken.next(), { code: 'ENOENT' })
  t.true(broken.next().done)
})

both('walk_bad_dir', (t, walk) => {
  const { top } = setUp(t)
  const errors: Skip[] = []
  const entries = walk(top, { onerror: (error) => errors.push(error) })
  const dirnames = entries.next().value?.[1]
  t.deepEqual(errors, [])
  fs.renameSync(`${top}/SUB1`, `${top}/SUB1.new`)
  const roots = [...entries].map(([dirpath]) => dirpath)
  t.deepEqual(dirnames?.toSorted(), ['SUB1', 'SUB2'])
  t.deepEqual(roots, [`${top}/SUB2`])
  t.deepEqual(
    errors.map((error) => `${error.code} ${error.path}`),
    [`ENOENT ${top}/SUB1`],
  )
})

both('walk_bad_dir2', (t, walk) => {
  const { top } = setUp(t)
  const cases: [path: string, options: Options, code?: string][] = [
    [`${top}/nonexisting`, {}, 'ENOENT'],
    [`${top}/nonexisting`, { followSymlinks: true }, 'ENOENT'],
    [`${top}/tmp1`, {}],
    [`${top}/tmp1`, { followSymlinks: true }, 'ENOTDIR'],
  ]
  for (const [path, options, code] of cases) {
    const entries = walk(path, options)
    if (code) t.throws(() => entries.next(), { code })
    t.true(entries.next().done)
  }
})

both('walk_named_pipe', (t, walk) => {
  const path = `${makeTree(t, { pipe: FIFO })}/pipe`
  t.true(walk(path).next().done)
  const followed = walk(path, { followSymlinks: true })
  t.throws(() => followed.next(), { code: 'ENOTDIR' })
  t.true(followed.next().done)
})

// This differs from Python, which raises NotADirectoryError for the pipe among dirnames.
both('walk_named_pipe2', (t, walk) => {
  const top = makeTree(t, { mypipe: FIFO })
  const errors: Skip[] = []
  const onerror = (error: Skip) => errors.push(error)
  t.is([...walk(top, { onerror })].length, 1)
  t.deepEqual(errors, [])

  const entries = walk(top, { onerror })
  const [dirpath, dirnames, filenames] = entries.next().value as Entry
  t.deepEqual([dirpath, dirnames, filenames], [top, [], ['mypipe']])
  dirnames.push(...filenames)
  t.true(entries.next().done)
  t.deepEqual(
    errors.map((error) => `${error.code} ${error.path}`),
    [`ENOTDIR ${top}/mypipe`],
  )
})

// The walk is not recursive and has no limit. CPython tests 50 levels; fwalk.deep.spec.ts tests thousands.
both('walk_above_recursion_limit', (t, walk) => {
  const { top, sub1, sub11, sub2 } = setUp(t)
  const depth = 50
  fs.mkdirSync(top + '/d'.repeat(depth), { recursive: true })
  const chain = Array.from({ length: depth }, (_, index): Step => {
    return [top + '/d'.repeat(index + 1), index + 1 < depth ? ['d'] : [], []]
  })
  const sections: Record<string, Step[]> = { SUB1: [sub1, sub11], SUB2: [sub2], d: chain }
  const [first, ...rest] = walk(top)
  t.deepEqual(first && sorted(first), [top, ['SUB1', 'SUB2', 'd'], ['tmp1']])
  t.deepEqual(
    rest.map(sorted),
    first?.[1].flatMap((name) => sections[name] ?? []),
  )
})

function isDirectory(path: string): boolean {
  try {
    return fs.statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** A simple walk by paths, in place of os.walk in CPython's tests. */
function walkByPath(top: string, followSymlinks: boolean): Step[] {
  const found: Step[] = []
  const visit = (dirpath: string) => {
    const dirs: string[] = []
    const files: string[] = []
    for (const name of fs.readdirSync(dirpath)) {
      const path = `${dirpath}/${name}`
      const names = isDirectory(path) ? dirs : files
      names.push(name)
    }
    found.push([dirpath, dirs.toSorted(), files.toSorted()])
    for (const name of dirs) {
      const path = `${dirpath}/${name}`
      if (followSymlinks || !fs.lstatSync(path).isSymbolicLink()) visit(path)
    }
  }
  visit(top)
  return found
}

function compareToWalk(t: ExecutionContext, walk: Walk, top: string, path: string, dirFd?: number) {
  for (const options of optionCombinations) {
    const expected = walkByPath(path, options.followSymlinks ?? false)
    const seen = [...walk(top, { ...options, dirFd })].map(sorted)
    const absolute = seen.map(([dirpath, dirnames, filenames]) => [
      path + dirpath.slice(top.length),
      dirnames,
      filenames,
    ])
    t.deepEqual(absolute.toSorted(), expected.toSorted())
  }
}

both('compare_to_walk', (t, walk) => {
  const { root } = setUp(t)
  compareToWalk(t, walk, root, root)
})

both('dir_fd', (t, walk) => {
  const { root } = setUp(t)
  const dirFd = fs.openSync(dirname(root), 'r')
  compareToWalk(t, walk, basename(root), root, dirFd)
  fs.closeSync(dirFd)
})

both('yields_correct_dir_fd', (t, walk) => {
  const { root } = setUp(t)
  for (const options of optionCombinations) {
    for (const [dirpath, dirnames, filenames, dirfd] of walk(root, options)) {
      const { dev, ino } = fs.fstatSync(dirfd)
      t.like(fs.statSync(dirpath), { dev, ino })
      t.like(stat(dirfd), { dev, ino })
      t.deepEqual(listdir(dirfd).toSorted(), [...dirnames, ...filenames].toSorted())
    }
  }
})

both('fd_leak', (t, walk) => {
  const { root } = setUp(t)
  const free = nextFd()
  let steps = 0
  for (let i = 0; i < 256; i++) steps += [...walk(root)].length
  t.is(steps, 256 * 6)
  t.is(nextFd(), free)
})

both('fd_finalization', (t, walk) => {
  const { root } = setUp(t)
  for (const topdown of [false, true]) {
    const free = nextFd()
    const entries = walk(root, { topdown })
    t.is(nextFd(), free)
    entries.next()
    t.true(nextFd() > free)
    entries.return?.()
    t.is(nextFd(), free)
  }
})
