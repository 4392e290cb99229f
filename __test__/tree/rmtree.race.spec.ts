// Directories of a tree are swapped for links to another tree, and back, while the tree is deleted
// again and again. Not one file of the other tree may be touched.
//
// FDKIT_SWAPS says how many swaps each way of deleting is put through.
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import { fwalk, rmdir, rmtree, unlink } from 'fdkit'
import * as promises from 'fdkit/promises'

import { countFds } from '../helpers/fds.js'
import { patience } from '../helpers/patience.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { startSwapper, type Swapper } from '../helpers/swapper.js'
import { link, makeTreeInMemory, writeTree, type Tree } from '../helpers/tree.js'

const SWAPS = Number(process.env['FDKIT_SWAPS'] ?? 10_000)

const serially = unless(missing('python3') || notLinux, test.serial)

// Names are the same in the tree and in the victim, so that a wrong turn finds what to delete.
const files = (count: number): Tree =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 'contents']))

const room = (): Tree => ({ ...files(8), x: { ...files(4), y: files(4) }, z: {} })

const rooms = (...names: string[]): Tree =>
  Object.fromEntries(names.map((name): [string, Tree] => [name, room()]))

const TREE: Tree = { ...rooms('a', 'b', 'c', 'd'), in: { deep: rooms('a', 'b'), ...files(3) } }

/** What is swapped: never both a directory and one above it, since then the victim would be. */
const SWAPPED = {
  'directories of the tree': ['/a', '/b', '/c', '/in/deep/a', '/in/deep/b'],
  'the tree itself': [''],
}

interface Scene {
  root: string
  top: string
  /** Puts the tree and the links in their places. */
  prepare(): void
  /** What of the victim is not as it was. */
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
      // Made and removed where nothing is swapped, so that this does no harm itself.
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

// As the example of Python's documentation, but that it goes on after an error.
function deleteWithFwalk(top: string, failed: Failed): void {
  attempt(failed, () => {
    for (const [, dirnames, filenames, dirFd] of fwalk(top, { topdown: false, onerror: failed })) {
      for (const name of filenames) attempt(failed, () => unlink(name, { dirFd }))
      for (const name of dirnames) attempt(failed, () => rmdir(name, { dirFd }))
    }
    rmdir(top)
  })
}

// What this package is for not doing: between listing a directory and going on into one of its
// directories, that can become a link.
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

/** Deletes again and again until `isEnough`; how many failures there were, and in how many rounds. */
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

// A race is told by a directory that was no longer one.
const isRaced = (codes: Record<string, number>) => (codes['ENOTDIR'] ?? 0) > 0

for (const [name, remove] of Object.entries(DELETES)) {
  for (const [what, swapped] of Object.entries(SWAPPED)) {
    serially(`${name} in a race: ${what}`, async (t) => {
      t.timeout(patience(600_000))
      const scene = setUp(t, swapped)
      const before = countFds()
      scene.prepare()
      const swapper: Swapper = await startSwapper(t, scene.pairs)
      const isEnough = () => scene.touched().length > 0 || swapper.swaps() >= SWAPS
      let { rounds, codes } = await run(scene, remove, isEnough)
      // A busy machine may need longer until a swap falls between two calls.
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
      t.is(countFds(), before)
    })
  }
}

serially('a delete by path in the same race touches what is outside', async (t) => {
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
