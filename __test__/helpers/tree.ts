// Creates directory trees from nested objects, and removes them when the test ends.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ExecutionContext } from 'ava'

import { child, programPath } from './child.js'
import { isDeno } from './platform.js'

/**
 * An entry of a tree: a string is the contents of a file, and an object those of a directory. U+DC80 to
 * U+DCFF in names stand for bytes that are not UTF-8.
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

/** Encodes a string according to PEP 383, independently of fdkit. */
export function fsencode(text: string): Buffer {
  const byteOrRun = /[\uDC80-\uDCFF]|[^\uDC80-\uDCFF]+/gu
  const pieces = (text.match(byteOrRun) ?? []).map((piece) =>
    piece.length === 1 && piece >= '\uDC80' && piece <= '\uDCFF'
      ? Buffer.from([piece.charCodeAt(0) - 0xdc00])
      : Buffer.from(piece),
  )
  return Buffer.concat(pieces)
}

// The functions of Deno take only strings for some paths.
const encode = (text: string): Buffer | string => (/[\uDC80-\uDCFF]/u.test(text) ? fsencode(text) : text)

export function writeTree(root: string, tree: Tree): string {
  fs.mkdirSync(encode(root), { recursive: true })
  for (const [name, node] of Object.entries(tree)) {
    // The join of Bun replaces surrogates.
    const path = `${root}/${name}`
    if (isDeno && typeof encode(path) !== 'string') {
      // The node:fs of Deno replaces bytes that are not UTF-8.
      writeTree(root, { 'fdkit-new': node })
      renameByPython(`${root}/fdkit-new`, path)
    } else if (typeof node === 'string') fs.writeFileSync(encode(path), node)
    else if (node instanceof Link) fs.symlinkSync(encode(node.target), encode(path))
    else if (node === FIFO) makeFifo(path)
    else writeTree(path, node as Tree)
  }
  return root
}

function renameByPython(from: string, to: string): void {
  const program = 'import os, sys; os.rename(sys.argv[1], bytes.fromhex(sys.argv[2]))'
  execFileSync('python3', ['-c', program, from, fsencode(to).toString('hex')])
}

// Arguments of programs are UTF-8 in Node, so the FIFO is created first and then renamed.
function makeFifo(path: string): void {
  const temporary = fs.mkdtempSync(join(tmpdir(), 'fdkit-fifo-'))
  execFileSync('mkfifo', [`${temporary}/fifo`])
  fs.renameSync(`${temporary}/fifo`, encode(path))
  fs.rmdirSync(temporary)
}

/** Creates a directory with the tree in it. */
export function makeTree(t: ExecutionContext, tree: Tree = {}): string {
  return makeTreeBelow(t, fs.realpathSync(tmpdir()), tree)
}

/** Like makeTree, but in memory if there is such a file system, for trees of many entries. */
export function makeTreeInMemory(t: ExecutionContext, tree: Tree = {}): string {
  return makeTreeBelow(t, fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), tree)
}

function makeTreeBelow(t: ExecutionContext, parent: string, tree: Tree): string {
  const root = fs.mkdtempSync(join(parent, 'fdkit-'))
  // rm -rf can remove deeper trees than node:fs, whose paths must be shorter than PATH_MAX.
  t.teardown(() => execFileSync('rm', ['-rf', root]))
  return writeTree(root, tree)
}

/** Creates nested directories `d/d/…` below `top`, and returns the inode numbers of `top` and of each. */
export function makeChain(top: string, depth: number): number[] {
  const program = [programPath('tree/chain.py'), top, String(depth)]
  return JSON.parse(execFileSync('python3', program, { maxBuffer: 2 ** 26 }).toString()) as number[]
}

/** Creates files in directories that do not exist yet. It returns when a program has done it. */
export function fill(top: string, directories: number, files: number): void {
  child('tree/fill.mjs', { args: [top, directories, files] })
}
