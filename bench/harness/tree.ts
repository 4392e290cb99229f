// Trees to measure on. They are the same at every call, and are removed when the benchmark ends.
import { execFileSync } from 'node:child_process'
import { accessSync, closeSync, constants, linkSync } from 'node:fs'
import { mkdirSync, mkdtempSync, openSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// The number of directories at each depth: 10,000 in all.
const LEVELS = [1, 9, 50, 240, 1_100, 3_600, 5_000]

/** A tree, also six levels deep, with so few directories that all of them can be held open. */
export const FEW = [1, 3, 9, 27, 60, 100, 200]

const MEAN_FILES = 10
const LINKS = 0.03

const PER_DIRECTORY = 100

// A linear congruential generator with the constants of Knuth's MMIX, so that trees are the same
// everywhere.
function generator(seed: bigint): () => number {
  let state = seed
  return () => {
    state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n)
    return Number(state >> 32n) / 2 ** 32
  }
}

const label = (kind: string, number: number) => `${kind}-of-some-length-${String(number).padStart(6, '0')}`

/**
 * Creates a tree of more than 100,000 entries in 10,000 directories, six levels deep. 3 % of the
 * entries are symbolic links.
 */
export function makeTree(levels: readonly number[] = LEVELS): string {
  const random = generator(1n)
  const top = mkdtempSync(join(tmpdir(), 'fdkit-bench-'))
  let number = 0
  const name = (kind: string) => label(kind, number++)
  let above = [top]
  for (const [depth, count] of levels.entries()) {
    const here = depth === 0 ? [top] : []
    while (here.length < count) {
      const path = join(above[Math.floor(random() * above.length)] as string, name('d'))
      mkdirSync(path)
      here.push(path)
    }
    for (const directory of here) fill(directory)
    above = here
  }
  return top

  // Many directories have few files, and a few directories have many.
  function fill(directory: string): void {
    const files = Math.round(-Math.log(1 - random()) * MEAN_FILES)
    let last = 'nothing'
    for (let file = 0; file < files; file++) {
      if (random() < LINKS) {
        const target = random() < 0.3 ? '..' : last
        symlinkSync(target, join(directory, name('l')))
      } else {
        last = name('f')
        closeSync(openSync(join(directory, last), 'wx'))
      }
    }
  }
}

// A large tree is created faster in memory than on a disk, and the walk's memory is the same.
function fastest(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}

/**
 * Creates `directories` directories with 100 files each, grouped by up to 100 into parent
 * directories.
 */
export function makeWideTree(directories: number): string {
  const top = mkdtempSync(join(fastest(), 'fdkit-bench-'))
  for (let number = 0; number < directories; number++) {
    const above = join(top, label('d', Math.floor(number / PER_DIRECTORY)))
    if (number % PER_DIRECTORY === 0) mkdirSync(above)
    const directory = join(above, label('d', number))
    mkdirSync(directory)
    const first = join(directory, label('f', 0))
    closeSync(openSync(first, 'wx'))
    for (let file = 1; file < PER_DIRECTORY; file++) linkSync(first, join(directory, label('f', file)))
  }
  return top
}

export function removeTree(top: string): void {
  execFileSync('rm', ['-rf', top])
}
