// Trees to walk: written as they would be drawn, removed when the test is over.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ExecutionContext } from 'ava'

/**
 * What stands at a path: a string is a file's contents, an object a directory's. Names may have
 * bytes that are not UTF-8, as U+DC80 to U+DCFF.
 */
export type Tree = { [name: string]: Tree | string | Link | typeof FIFO }

class Link {
  readonly target: string
  constructor(target: string) {
    this.target = target
  }
}

export const link = (target: string): Link => new Link(target)
export const FIFO = Symbol('FIFO')

/** A string's bytes (PEP 383), written here once more so that fdkit is not its own judge. */
export function fsencode(text: string): Buffer {
  const byteOrRun = /[\uDC80-\uDCFF]|[^\uDC80-\uDCFF]+/gu
  const pieces = (text.match(byteOrRun) ?? []).map((piece) =>
    piece.length === 1 && piece >= '\uDC80' && piece <= '\uDCFF'
      ? Buffer.from([piece.charCodeAt(0) - 0xdc00])
      : Buffer.from(piece),
  )
  return Buffer.concat(pieces)
}

export function writeTree(root: string, tree: Tree): string {
  fs.mkdirSync(fsencode(root), { recursive: true })
  for (const [name, node] of Object.entries(tree)) {
    const path = join(root, name)
    if (typeof node === 'string') fs.writeFileSync(fsencode(path), node)
    else if (node instanceof Link) fs.symlinkSync(fsencode(node.target), fsencode(path))
    else if (node === FIFO) makeFifo(path)
    else writeTree(path, node as Tree)
  }
  return root
}

// Arguments of programs are UTF-8 in Node: the FIFO gets its name when it is there.
function makeFifo(path: string): void {
  const temporary = fs.mkdtempSync(join(tmpdir(), 'fdkit-fifo-'))
  execFileSync('mkfifo', [`${temporary}/fifo`])
  fs.renameSync(`${temporary}/fifo`, fsencode(path))
  fs.rmdirSync(temporary)
}

/** A new directory with the tree in it. */
export function makeTree(t: ExecutionContext, tree: Tree = {}): string {
  return makeTreeBelow(t, fs.realpathSync(tmpdir()), tree)
}

/** The same in memory where there is a file system for that, for trees of many entries. */
export function makeTreeInMemory(t: ExecutionContext, tree: Tree = {}): string {
  return makeTreeBelow(t, fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), tree)
}

function makeTreeBelow(t: ExecutionContext, parent: string, tree: Tree): string {
  const root = fs.mkdtempSync(join(parent, 'fdkit-'))
  // rm -rf goes deeper than node:fs, whose paths must be shorter than PATH_MAX.
  t.teardown(() => execFileSync('rm', ['-rf', root]))
  return writeTree(root, tree)
}

/** Directories `d` within `d` below `top`, and the inode numbers of `top` and of each. */
export function makeChain(top: string, depth: number): number[] {
  const script = [
    'import os, sys',
    'os.chdir(sys.argv[1])',
    'inodes = [os.stat(".").st_ino]',
    'for _ in range(int(sys.argv[2])):',
    '    os.mkdir("d")',
    '    os.chdir("d")',
    '    inodes.append(os.stat(".").st_ino)',
    'print(inodes)',
  ].join('\n')
  const printed = execFileSync('python3', ['-c', script, top, String(depth)], { maxBuffer: 2 ** 26 })
  return JSON.parse(printed.toString()) as number[]
}
