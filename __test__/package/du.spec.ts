// Tests the example examples/du.ts.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'

import test from 'ava'

import { missing, notLinux, notRoot, unless } from '../helpers/platform.js'
import { link, makeTree, makeTreeInMemory } from '../helpers/tree.js'

const onLinux = unless(notLinux || missing('du'))

function du(...args: string[]) {
  return spawnSync(process.execPath, ['examples/du.mjs', ...args], { encoding: 'utf8' })
}

function totalOf(stdout: string): number {
  return Number(/total: (\d+) bytes/.exec(stdout)?.[1])
}

onLinux('the total equals that of du -sb with links, holes, and a file with several names', (t) => {
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
  t.deepEqual(paths, [
    top,
    ...names
      .reverse()
      .slice(0, 19)
      .map((name) => `${top}/${name}`),
  ])
})

onLinux('a missing directory is an error', (t) => {
  const { status, stdout, stderr } = du('no/such/directory')
  t.is(status, 1)
  t.is(stdout, '')
  t.is(stderr, "du: ENOENT: no such file or directory, openat 'no/such/directory'\n")
})

onLinux('names with control characters are escaped, and stay distinct', (t) => {
  const names = ['esc\x1b[2J', 'new\nline', 'back\\slash', 'bidi\u202e', 'c1\u009b', 'del\x7f', 'é😀']
  const top = makeTree(t, Object.fromEntries(names.map((name) => [name, {}])))
  for (const byte of [0xff, 0xfe]) mkdirSync(Buffer.concat([Buffer.from(`${top}/odd`), Buffer.of(byte)]))
  const { status, stdout, stderr } = du(top)
  t.is(stderr, '')
  t.is(status, 0)
  const shown = stdout
    .split('\n')
    .slice(0, -2)
    .map((line) => line.slice(12 + top.length + 1))
  const expected = [
    '',
    'esc\\x1b[2J',
    'new\\nline',
    'back\\\\slash',
    'bidi\\u202e',
    'c1\\u009b',
    'del\\x7f',
    'é😀',
    'odd\\xff',
    'odd\\xfe',
  ]
  t.deepEqual(shown.toSorted(), expected.toSorted())
})

onLinux('names in error messages are escaped too', (t) => {
  t.regex(du('no\nsuch\x1b[2J').stderr, /^du: ENOENT: .* 'no\\nsuch\\x1b\[2J'\n$/)
})

unless(notLinux || notRoot || missing('setpriv'))(
  'an unreadable directory is an error, and the rest is measured',
  (t) => {
    const top = makeTree(t, { closed: { file: 'x' }, open: { file: 'x'.repeat(50_000) } })
    chmodSync(top, 0o755)
    chmodSync(`${top}/closed`, 0)
    const args = ['--reuid', '65534', '--clear-groups', process.execPath, 'examples/du.mjs', top]
    const { status, stdout, stderr } = spawnSync('setpriv', args, { encoding: 'utf8' })
    t.is(status, 1)
    t.is(stderr, `du: EACCES: permission denied, openat '${top}/closed'\n`)
    t.true(totalOf(stdout) > 50_000)
  },
)

onLinux('a file and a link to a directory are errors with an explanation', (t) => {
  const top = makeTree(t, { file: '', link: link('.') })
  const notDirectory = du(`${top}/file`)
  t.like(notDirectory, { status: 1, stdout: '' })
  t.regex(notDirectory.stderr, /^du: ENOTDIR: not a directory, openat '[^\n]*\/file'[^\n]*\n$/)
  const { status, stdout, stderr } = du(`${top}/link`)
  t.like({ status, stdout }, { status: 1, stdout: '' })
  t.is(stderr, `du: ${top}/link is a symbolic link; write ${top}/link/ to measure what it leads to\n`)
  t.is(du(`${top}/link/`).status, 0)
})

onLinux('--help prints the usage, and wrong arguments are errors', (t) => {
  t.like(du('--help'), { status: 0, stderr: '' })
  t.regex(du('--help').stdout, /^usage: du \[DIR\]\n/)
  for (const args of [['a', 'b'], ['--no-such-option'], ['-x', '.']]) {
    const { status, stdout, stderr } = du(...args)
    t.like({ status, stdout }, { status: 2, stdout: '' })
    t.regex(stderr, /^du: .*\n\nusage: du /, args.join(' '))
  }
  t.regex(du('--', '--help').stderr, /^du: ENOENT: .*'--help'/)
})

onLinux('exits silently when its output is closed', (t) => {
  const names = Array.from({ length: 30 }, (_, index) => [`d${index}`, {}])
  const top = makeTree(t, Object.fromEntries(names))
  for (const reader of ['true', 'head -n 1 >/dev/null']) {
    const pipeline = `{ ${process.execPath} examples/du.mjs '${top}'; echo "status $?" >&2; } | ${reader}`
    const { stderr } = spawnSync('bash', ['-c', pipeline], { encoding: 'utf8' })
    t.is(stderr, 'status 0\n', reader)
  }
})

/** Creates a directory with so many names that the progress becomes visible. */
function makeLargeTree(t: Parameters<typeof makeTree>[0]): string {
  const top = makeTreeInMemory(t, { '\x1b[2J': { file: '' } })
  for (let index = 0; index < 100_000; index++) linkSync(`${top}/\x1b[2J/file`, `${top}/\x1b[2J/${index}`)
  return top
}

unless(notLinux || missing('script'), test.serial)(
  'shows the progress on a terminal, and leaves a clean line on Ctrl-C',
  async (t) => {
    const top = makeLargeTree(t)
    const command = `stty columns 70; exec ${process.execPath} examples/du.mjs '${top}'`
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], { stdio: 'pipe' })
    t.teardown(() => terminal.kill('SIGKILL'))
    let output = ''
    let isSent = false
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (!isSent && output.includes('directories')) isSent = terminal.stdin.write('\x03')
    })
    const [code] = await once(terminal, 'close')
    t.is(code, 130)
    const [first = ''] = output.split('\r\x1b[K').slice(1)
    t.regex(first, /^\d+ directories, [\d.]+ [KMG]?i?B, \/.*\/\\x1b\[2J/)
    t.true(first.length < 70 + '^C'.length)
    t.true(output.endsWith('\r\x1b[K'), JSON.stringify(output.slice(-200)))
    t.notRegex(output, /total/)
  },
)
