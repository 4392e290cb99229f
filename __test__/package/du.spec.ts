import { execFileSync, spawnSync } from 'node:child_process'
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'

import { missing, notLinux, unless } from '../helpers/platform.js'
import { link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux || missing('du'))

function du(...args: string[]) {
  const command = ['--import', '@oxc-node/core/register', 'examples/du.ts', ...args]
  return spawnSync(process.execPath, command, { encoding: 'utf8' })
}

function totalOf(stdout: string): number {
  return Number(/total: (\d+) bytes/.exec(stdout)?.[1])
}

onLinux('the total agrees with du -sb: links, holes, and one file with several names', (t) => {
  const top = makeTree(t, {
    'a b': { file: 'x'.repeat(5000), 'tab\there\n': 'y', up: link('..') },
    empty: {},
    dangling: link('nowhere'),
  })
  linkSync(`${top}/a b/file`, `${top}/twin`)
  writeFileSync(`${top}/hole`, '')
  truncateSync(`${top}/hole`, 3 * 1024 ** 3)
  mkdirSync(Buffer.concat([Buffer.from(`${top}/odd`), Buffer.of(0xff)]))
  symlinkSync('a b', `${top}/to-directory`)

  const { status, stdout, stderr } = du(top)
  t.is(stderr, '')
  t.is(status, 0)
  const expected = Number(execFileSync('du', ['-sb', top], { encoding: 'utf8' }).split('\t')[0])
  t.is(totalOf(stdout), expected)
  t.regex(stdout, /3\.0 GiB {2}total/)
  t.true(stdout.startsWith(`   3.0 GiB  ${top}\n`))
})

onLinux('prints the largest 20, largest first', (t) => {
  const names = Array.from({ length: 30 }, (_, index) => `d${index}`)
  const tree = names.map((name, index) => [name, { file: 'x'.repeat(10_000 * index) }])
  const top = makeTree(t, Object.fromEntries(tree))
  const lines = du(top).stdout.trimEnd().split('\n')
  t.is(lines.length, 21)
  const paths = lines.slice(0, 20).map((line) => line.slice(12))
  t.deepEqual(paths, [top, ...names.reverse().slice(0, 19).map((name) => `${top}/${name}`)])
})

onLinux('a directory that is not there is an error', (t) => {
  const { status, stdout, stderr } = du('no/such/directory')
  t.is(status, 1)
  t.is(stdout, '')
  t.is(stderr, "du: ENOENT: no such file or directory, openat 'no/such/directory'\n")
})
