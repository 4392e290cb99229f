// Trees to measure on: the same at every call, and gone when the benchmark ends.
import { execFileSync } from 'node:child_process'
import { accessSync, closeSync, constants, linkSync } from 'node:fs'
import { mkdirSync, mkdtempSync, openSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Directories at each depth: 10,000 in all.
const LEVELS = [1, 9, 50, 240, 1_100, 3_600, 5_000]

/** So few directories, six levels deep too, that all can be held open. */
export const FEW = [1, 3, 9, 27, 60, 100, 200]

const MEAN_FILES = 10
const LINKS = 0.03

const PER_DIRECTORY = 100

// A linear congruential generator (the numbers are Knuth's MMIX): trees are alike everywhere.
function generator(seed: bigint): () => number {
  let state = seed
  return () => {
    state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n)
    return Number(state >> 32n) / 2 ** 32
  }
}

const label = (kind: string, number: number) =>
  `${kind}-of-some-length-${String(number).padStart(6, '0')}`

/** More than 100,000 entries in 10,000 directories, six levels deep, 3 % of them links. */
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

  // Many directories have few files, and few have many.
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

// Memory makes a large tree faster than a disk, and what the walk keeps is the same.
function fastest(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}

/** `directories` times 100 files, in up to 100 directories each of a directory of their own. */
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
