// Tests deletions while directories of the tree are swapped for links to another tree, and back. No file
// of the other tree may be touched.
//
// FDKIT_SWAPS sets the number of swaps for each way of deleting.
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import { fwalk, rmdir, rmtree, unlink } from 'fdkit'
import * as promises from 'fdkit/promises'

import { countFds } from '../helpers/fds.js'
import { patience } from '../helpers/patience.js'
import { isNode, missing, notLinux, unless } from '../helpers/platform.js'
import { startSwapper, type Swapper } from '../helpers/swapper.js'
import { link, makeTreeInMemory, writeTree, type Tree } from '../helpers/tree.js'

const SWAPS = Number(process.env['FDKIT_SWAPS'] ?? 10_000)

const serially = unless(missing('python3') || notLinux, test.serial)

// The tree and the victim have the same names, so that a wrong turn finds something to delete.
const files = (count: number): Tree =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 'contents']))

const room = (): Tree => ({ ...files(8), x: { ...files(4), y: files(4) }, z: {} })

const rooms = (...names: string[]): Tree =>
  Object.fromEntries(names.map((name): [string, Tree] => [name, room()]))

const TREE: Tree = { ...rooms('a', 'b', 'c', 'd'), in: { deep: rooms('a', 'b'), ...files(3) } }

/** The swapped directories. No one is above another, or the victim's own directories would be swapped. */
const SWAPPED = {
  'directories of the tree': ['/a', '/b', '/c', '/in/deep/a', '/in/deep/b'],
  'the tree itself': [''],
}

interface Scene {
  root: string
  top: string
  /** Creates the tree and the links. */
  prepare(): void
  /** Returns the entries of the victim that have changed. */
  touched(): string[]
  pairs: [string, string][]
}

function everything(path: string): string[] {
  return fs.readdirSync(path, { recursive: true }).map(String).toSorted()
}

function setUp(t: ExecutionContext, swapped: string[]): Scene {
  const victim: Tree = { ...TREE, ...room() }
  const root = makeTreeInMemory(t, { victim })
  const before = everything(`${root}/victim`)
  const links = Object.fromEntries(swapped.map((_, i) => [`l${i}`, link(`${root}/victim`)]))
  return {
    root,
    top: `${root}/top`,
    prepare() {
      // The tree is created and removed where nothing is swapped, so that this itself does no harm.
      for (const name of ['top', 'side']) {
        if (!fs.lstatSync(`${root}/${name}`, { throwIfNoEntry: false })) continue
        fs.renameSync(`${root}/${name}`, `${root}/old`)
        fs.rmSync(`${root}/old`, { recursive: true })
      }
      writeTree(`${root}/new`, { top: TREE, side: links })
      for (const name of ['side', 'top']) fs.renameSync(`${root}/new/${name}`, `${root}/${name}`)
    },
    touched() {
      const now = new Set(everything(`${root}/victim`))
      return before.filter((path) => !now.has(path))
    },
    pairs: swapped.map((path, i) => [`${root}/top${path}`, `${root}/side/l${i}`]),
  }
}

type Failed = (error: unknown) => void
type Delete = (top: string, failed: Failed) => void | Promise<void>

const attempt = (failed: Failed, run: () => void): void => {
  try {
    run()
  } catch (error) {
    failed(error)
  }
}

// Like the example of Python's documentation, but it continues after an error.
function deleteWithFwalk(top: string, failed: Failed): void {
  attempt(failed, () => {
    for (const [, dirnames, filenames, dirFd] of fwalk(top, { topdown: false, onerror: failed })) {
      for (const name of filenames) attempt(failed, () => unlink(name, { dirFd }))
      for (const name of dirnames) attempt(failed, () => rmdir(name, { dirFd }))
    }
    rmdir(top)
  })
}

// The unsafe way that this package avoids: between listing a directory and entering one of its
// subdirectories, the subdirectory can become a link.
function deleteByPath(path: string, failed: Failed): void {
  attempt(failed, () => {
    for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
      const below = `${path}/${entry.name}`
      if (entry.isDirectory()) deleteByPath(below, failed)
      else attempt(failed, () => fs.unlinkSync(below))
    }
    fs.rmdirSync(path)
  })
}

const DELETES: Record<string, Delete> = {
  rmtree: (top, onerror) => rmtree(top, { onerror }),
  'rmtree of fdkit/promises': (top, onerror) => promises.rmtree(top, { onerror }),
  'a bottom-up delete with fwalk': deleteWithFwalk,
}

/** Deletes repeatedly until `isEnough`. Returns the failures and the number of rounds. */
async function run(scene: Scene, remove: Delete, isEnough: () => boolean) {
  const codes: Record<string, number> = {}
  let rounds = 0
  const failed = (error: unknown): void => {
    const { code = String(error) } = error as NodeJS.ErrnoException
    codes[code] = (codes[code] ?? 0) + 1
  }
  do {
    scene.prepare()
    await remove(scene.top, failed)
    rounds += 1
  } while (!isEnough())
  return { rounds, codes }
}

// A race shows as a directory that has become something else.
const isRaced = (codes: Record<string, number>) => (codes['ENOTDIR'] ?? 0) > 0

for (const [name, remove] of Object.entries(DELETES)) {
  for (const [what, swapped] of Object.entries(SWAPPED)) {
    serially(`${name} touches nothing outside the tree during swaps of ${what}`, async (t) => {
      t.timeout(patience(600_000))
      const scene = setUp(t, swapped)
      const before = countFds()
      scene.prepare()
      const swapper: Swapper = await startSwapper(t, scene.pairs)
      const isEnough = () => scene.touched().length > 0 || swapper.swaps() >= SWAPS
      let { rounds, codes } = await run(scene, remove, isEnough)
      // On a busy machine it may take longer until a swap happens between two calls.
      const end = performance.now() + 20_000
      while (!isRaced(codes) && performance.now() < end) {
        const more = await run(scene, remove, () => true)
        rounds += more.rounds
        codes = more.codes
      }
      t.log(`${swapper.swaps()} swaps, ${rounds} rounds`, codes)
      t.deepEqual(scene.touched(), [])
      t.true(isRaced(codes), 'no swap came between')
      await swapper.stop()
      // Bun closes its end of the swapper's pipe later.
      if (isNode) t.is(countFds(), before)
    })
  }
}

serially('a deletion by path touches files outside in the same race', async (t) => {
  t.timeout(patience(120_000))
  const scene = setUp(t, SWAPPED['directories of the tree'])
  scene.prepare()
  const swapper = await startSwapper(t, scene.pairs)
  const end = performance.now() + 60_000
  const isEnough = () => scene.touched().length > 0 || performance.now() > end
  const { rounds } = await run(scene, deleteByPath, isEnough)
  t.log(`${swapper.swaps()} swaps, ${rounds} rounds: ${scene.touched().length} entries are gone`)
  t.true(scene.touched().length > 0)
})
