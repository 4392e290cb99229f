// Operations in a directory that is confined, compared with node:fs and absolute paths.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { inRust, program, resident } from '../harness/candidate.js'
import { interleave, ratio, type Outcome } from '../harness/interleave.js'
import { printOutcomes, type Target } from '../harness/report.js'

// In memory, if possible, so that no disk is measured.
const BASE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const COUNT = 256
const ROUNDS = 30
const WARMUP = 8
const DEPTHS = [1, 4, 8]
const OPERATIONS = ['readFile', 'stat', 'writeFile', 'readdir', 'unlink']
const AT_MOST = 1.1

const directories = (depth: number) =>
  Array.from({ length: depth - 1 }, (_, index) => `directory-${index}`).join('/')

type Kind = [label: string, kind: string]

async function compare(title: string, operation: string, depth: number, kinds: Kind[]): Promise<Outcome[]> {
  const top = mkdtempSync(join(BASE, 'fdkit-bench-'))
  const directory = directories(depth)
  const made = kinds.map(([label, kind]) => {
    // Each has files of its own.
    mkdirSync(join(top, kind, directory), { recursive: true })
    const argv = [program('root'), kind, operation, join(top, kind), directory]
    return resident(label, process.execPath, ...argv)
  })
  try {
    const outcomes = await interleave(made, ROUNDS, WARMUP)
    printOutcomes(`${title}, ${depth} names deep`, outcomes, 'ns', COUNT)
    return outcomes
  } finally {
    rmSync(top, { recursive: true })
  }
}

export async function measureRoot(): Promise<Target[]> {
  const targets: Target[] = []
  for (const operation of OPERATIONS) {
    for (const depth of DEPTHS) {
      const sync = await compare(operation, operation, depth, [
        [`fs.${operation}Sync`, 'node'],
        [`root.${operation}`, 'root'],
      ])
      const later = await compare(`${operation}, 64 promises at a time`, operation, depth, [
        [`fs.promises.${operation}`, 'nodeLater'],
        [`promises root.${operation}`, 'rootLater'],
        ['@openclaw/fs-safe', 'safeLater'],
        ['@openclaw/fs-safe without Python', 'safeAloneLater'],
      ])
      for (const [what, [node, root]] of [
        ['', sync],
        ['promises, ', later],
      ] as const) {
        const name = `root.${operation}, ${what}${depth} deep, to fs`
        targets.push({ what: name, figure: ratio(root!, node!), unit: 'x', atMost: AT_MOST })
      }
    }
  }
  const atomic = await compare('writeFile, atomic', 'atomic', 4, [
    ['write-file-atomic, sync', 'peer'],
    ['root.writeFile', 'root'],
    ['write-file-atomic', 'peerLater'],
    ['promises root.writeFile', 'rootLater'],
    ['@openclaw/fs-safe', 'safeLater'],
    ['@openclaw/fs-safe without Python', 'safeAloneLater'],
  ])
  const [peer, root, peerLater, rootLater] = atomic
  targets.push(
    { what: 'atomic, to write-file-atomic', figure: ratio(root!, peer!), unit: 'x', atMost: 1 },
    { what: 'atomic, promises', figure: ratio(rootLater!, peerLater!), unit: 'x', atMost: 1 },
  )
  if (process.platform === 'linux') await measureFloor()
  await measureResolvers()
  return targets
}

/**
 * The least that the kernel needs for two of the operations, without fdkit: a confined call is three
 * system calls where an ordinary one is one. It has no target.
 */
async function measureFloor(): Promise<void> {
  for (const operation of ['stat', 'unlink']) {
    for (const depth of DEPTHS) {
      const top = mkdtempSync(join(BASE, 'fdkit-bench-'))
      try {
        const argument = (kind: string) => {
          mkdirSync(join(top, kind))
          return `${join(top, kind)}:${directories(depth) || '.'}`
        }
        const outcomes = await interleave(
          [
            inRust('one call with an absolute path', `${operation}-by-path`, argument('path')),
            inRust('openat2, the call, close', `${operation}-beneath`, argument('beneath')),
          ],
          ROUNDS,
          WARMUP,
        )
        printOutcomes(`System calls of ${operation}, ${depth} names deep`, outcomes, 'ns', 1000)
      } finally {
        rmSync(top, { recursive: true })
      }
    }
  }
}

/** The cost of resolving component by component, in Rust. It has no target. */
async function measureResolvers(): Promise<void> {
  const top = mkdtempSync(join(BASE, 'fdkit-bench-'))
  try {
    for (const depth of DEPTHS) {
      const directory = directories(depth)
      mkdirSync(join(top, directory), { recursive: true })
      writeFileSync(join(top, directory, 'file'), '')
      const argument = `${top}:${join(directory, 'file')}`
      const outcomes = await interleave(
        [
          inRust('openat2', 'root-kernel', argument),
          inRust('component by component', 'root-stepwise', argument),
        ],
        ROUNDS,
        WARMUP,
      )
      printOutcomes(`Opening a file, ${depth} names deep, in Rust`, outcomes, 'ns', 1000)
    }
  } finally {
    rmSync(top, { recursive: true })
  }
}
