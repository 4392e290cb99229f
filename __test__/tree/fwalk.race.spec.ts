// Tests walks while directories are swapped for links to another tree, and back, tens of thousands of
// times a second. A walk must never yield an entry of the other tree.
import * as fs from 'node:fs'

import type { ExecutionContext } from 'ava'
import { fwalk, type FwalkOptions } from 'fdkit'

import { identity } from '../helpers/fds.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { startSwapper } from '../helpers/swapper.js'
import { makeTree, type Tree } from '../helpers/tree.js'

const rooms = (prefix: string): Tree =>
  Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => [
      `${prefix}${i}`,
      { [`${prefix}x`]: { [`${prefix}y`]: { [`${prefix}z`]: {} } }, [`${prefix}f`]: '' },
    ]),
  )

function setUp(t: ExecutionContext) {
  const root = makeTree(t, {
    top: { in1: { swapped: rooms('in') }, in2: rooms('in'), in3: { in4: { swapped: rooms('in') } } },
    outside: rooms('out'),
  })
  // The links are elsewhere, and are swapped with the directories.
  fs.mkdirSync(`${root}/side`)
  for (const name of ['a', 'b']) fs.symlinkSync(`${root}/outside`, `${root}/side/${name}`)
  const inodes = (path: string) => new Set(Array.from(fwalk(path), ([, , , dirfd]) => identity(dirfd)))
  return {
    top: `${root}/top`,
    inside: inodes(`${root}/top`),
    pairs: [
      [`${root}/top/in1/swapped`, `${root}/side/a`],
      [`${root}/top/in3/in4/swapped`, `${root}/side/b`],
    ] as [string, string][],
  }
}

interface Seen {
  outside: number
  inside: number
  skipped: number
  walks: number
}

/** Walks repeatedly, and counts the entries inside and outside the tree. */
function walkFor(ms: number, top: string | Buffer, inside: Set<string>, options: FwalkOptions): Seen {
  const seen: Seen = { outside: 0, inside: 0, skipped: 0, walks: 0 }
  const onerror = () => {
    seen.skipped += 1
  }
  const end = performance.now() + ms
  while (performance.now() < end) {
    seen.walks += 1
    const walk: Iterable<[string | Buffer, (string | Buffer)[], (string | Buffer)[], number]> =
      typeof top === 'string' ? fwalk(top, { ...options, onerror }) : fwalk(top, { ...options, onerror })
    for (const [dirpath, dirnames, filenames, dirfd] of walk) {
      const names = [...dirnames, ...filenames].map(String)
      const isInside =
        inside.has(identity(dirfd)) &&
        !names.some((name) => name.startsWith('out')) &&
        !String(dirpath).slice(String(top).length).includes('out')
      if (isInside) seen.inside += 1
      else seen.outside += 1
    }
  }
  return seen
}

const cannot = missing('python3') || notLinux

unless(cannot)('nothing outside the tree is ever yielded', async (t) => {
  const { top, inside, pairs } = setUp(t)
  const swapper = await startSwapper(t, pairs)
  let skipped = 0
  for (const topdown of [true, false]) {
    for (const maxOpen of [4, 128]) {
      for (const given of [top, Buffer.from(top)]) {
        const seen = walkFor(500, given, inside, { topdown, maxOpen })
        const told = JSON.stringify({ topdown, maxOpen, bytes: given !== top, ...seen })
        t.log(told)
        t.is(seen.outside, 0, told)
        t.true(seen.inside > 100, told)
        skipped += seen.skipped
      }
    }
  }
  // On a busy machine it may take longer until a swap happens between listing and opening.
  for (let round = 0; skipped === 0 && round < 20; round++) {
    const seen = walkFor(500, top, inside, {})
    t.is(seen.outside, 0)
    skipped += seen.skipped
  }
  t.true(skipped > 0)
  // Proves that the check notices entries outside: this walk goes there on purpose.
  const followed = walkFor(500, top, inside, { followSymlinks: true })
  t.true(followed.outside > 0)
  // This throws if the swapper has ended.
  t.true(swapper.swaps() > 1000)
})
