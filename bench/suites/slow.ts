// The gain of read-ahead if each system call takes a millisecond longer, as on a slow disk.
import { spawnSync } from 'node:child_process'

import { program } from '../harness/candidate.js'
import { printTable, type Target } from '../harness/report.js'
import { makeWideTree, removeTree } from '../harness/tree.js'

const DIRECTORIES = 200
const THREADS = [0, 2, 4]

/** Makes one walk under strace. Returns the milliseconds. */
function walk(top: string, threads: number): number {
  const delay = 'inject=openat,getdents64,statx,newfstatat:delay_exit=1000'
  const node = [process.execPath, program('candidates'), `topdown-threads-${threads}`, top]
  const argv = ['-f', '-qq', '-o', '/dev/null', '-e', delay, ...node]
  const { stdout, status } = spawnSync('strace', argv, {
    encoding: 'utf8',
    input: '\n',
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`strace ended with ${status}`)
  return Number(stdout.split(' ', 1)[0]) / 1e6
}

export function measureSlow(): Target[] {
  if (spawnSync('strace', ['-V']).status !== 0) {
    console.log('\nA slow disk: not measured, because strace is missing')
    return []
  }
  const top = makeWideTree(DIRECTORIES)
  try {
    const times = THREADS.map((threads) => walk(top, threads))
    printTable(
      `A walk of ${DIRECTORIES} directories, if each openat, getdents64 and stat takes 1 ms longer`,
      THREADS.map((threads, index) => [
        `threads: ${threads}`,
        `${times[index]!.toFixed(0)} ms`,
        `${(times[index]! / times[0]!).toFixed(2)} x`,
      ]),
    )
    return [{ what: 'slow disk: 4 threads, to none', figure: times[2]! / times[0]!, unit: 'x', atMost: 0.5 }]
  } finally {
    removeTree(top)
  }
}
