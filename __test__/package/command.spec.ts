// Tests the command `fdkit` of the installed package.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import test from 'ava'
import { diskUsage } from 'fdkit'

import { shell, userEnvironment, withInstalledPackage } from '../helpers/installed.js'
import { missing, notLinux, notRoot, unless } from '../helpers/platform.js'
import { link, makeTree, makeTreeInMemory } from '../helpers/tree.js'

const folder = withInstalledPackage()
// makeTree needs a platform that the addon is built for.
const onPosix = unless(process.platform === 'win32' && 'Windows has no addon')

/** Returns the path of the command, as npm has installed it. */
const commandIn = (cwd: string) => join(cwd, 'node_modules/.bin/fdkit')

function fdkit(...args: string[]) {
  const cwd = folder()
  return spawnSync(commandIn(cwd), args, { cwd, env: userEnvironment, encoding: 'utf8' })
}
const du = (...args: string[]) => fdkit('du', ...args)

const totalOf = (stdout: string) => Number(/total: (\d+) bytes/.exec(stdout)?.[1])

onPosix('npx fdkit du runs in an empty folder', (t) => {
  const cwd = folder()
  mkdirSync(join(cwd, 'top/one'), { recursive: true })
  writeFileSync(join(cwd, 'top/one/file'), 'x'.repeat(2000))
  const expected = (top: string) => `   2.0 KiB  ${top}
   2.0 KiB  ${top}/one
   2.0 KiB  total: 2000 bytes in 1 file and 2 directories
`
  t.is(shell(cwd, 'npx fdkit du top'), expected('top'))
  t.is(shell(cwd, 'cd top; npx fdkit du'), expected('.'))
})

test('without a command, and with --help and --version', (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  for (const option of ['--version', '-V']) t.like(fdkit(option), { status: 0, stdout: `${version}\n` })
  for (const args of [[], ['--help'], ['-h']]) {
    const { status, stdout, stderr } = fdkit(...args)
    t.like({ status, stderr }, { status: 0, stderr: '' })
    t.regex(stdout, /^usage: fdkit COMMAND\n[^]* du \[DIR\] /, args.join(' '))
  }
  t.like(du('--help'), { status: 0, stderr: '' })
  t.is(du('.', '-h').stdout, du('--help').stdout)
  t.regex(du('--help').stdout, /^usage: fdkit du .*\n[^]*--json[^]*exit code/)
  // Nothing is wider than a terminal.
  t.true(
    du('--help')
      .stdout.split('\n')
      .every((line) => line.length <= 100),
  )
})

test('wrong arguments are errors with the usage, and with what was probably meant', (t) => {
  const wrong: [string[], string][] = [
    [['dv'], 'no such command: dv; did you mean du?'],
    [['constructor'], 'no such command: constructor'],
    [['--versions'], 'no such option: --versions; did you mean --version?'],
    [['--help', 'x'], 'a command comes first, not --help'],
    [['du', '--jsn'], 'no such option: --jsn; did you mean --json?'],
    [['du', '--top'], '--top needs a value'],
    [['du', '--top', 'many'], '--top needs a number from 0 to 4294967295, not many'],
    [['du', '--top=-1'], '--top needs a number from 0 to 4294967295, not -1'],
    [['du', '--top=4294967296'], '--top needs a number from 0 to 4294967295, not 4294967296'],
    [['du', '--json=yes'], '--json takes no value'],
    [['du', '-x', '.'], 'no such option: -x'],
    [['du', 'a', 'b'], 'one directory only, not 2'],
    [['du', '--\x1b[2J'], 'no such option: --\\x1b[2J'],
  ]
  for (const [args, message] of wrong) {
    const { status, stdout, stderr } = fdkit(...args)
    t.like({ status, stdout }, { status: 2, stdout: '' }, args.join(' '))
    t.is(stderr.split('\n', 1)[0], `fdkit: ${message}`)
    t.regex(stderr, args[0] === 'du' ? /\n\nusage: fdkit du / : /\n\nusage: fdkit COMMAND\n/)
  }
})

onPosix('the sizes are those of diskUsage and, but for directories, of du -sb', (t) => {
  const top = makeTree(t, {
    'a b': { file: 'x'.repeat(5000), 'tab\there\n': 'y', up: link('..') },
    empty: {},
    dangling: link('nowhere'),
  })
  linkSync(`${top}/a b/file`, `${top}/twin`)
  writeFileSync(`${top}/hole`, '')
  truncateSync(`${top}/hole`, 3 * 1024 ** 3)
  symlinkSync('a b', `${top}/to-directory`)

  const { status, stdout, stderr } = du(top)
  t.like({ status, stderr }, { status: 0, stderr: '' })
  const { bytes, files } = diskUsage(top)
  t.is(bytes, 3 * 1024 ** 3 + 5000 + 1 + '..'.length + 'nowhere'.length + 'a b'.length)
  t.is(totalOf(stdout), bytes)
  t.true(stdout.startsWith(`   3.0 GiB  ${top}\n`))
  t.true(stdout.endsWith(`   3.0 GiB  total: ${bytes} bytes in ${files} files and 3 directories\n`))
})

onPosix('prints the largest directories, largest first', (t) => {
  const names = Array.from({ length: 30 }, (_, index) => `d${index}`)
  const tree = names.map((name, index) => [name, { file: 'x'.repeat(10_000 * index) }])
  const top = makeTree(t, Object.fromEntries(tree))
  const expected = [top, ...names.toReversed().map((name) => `${top}/${name}`)]
  const cases: [string[], number][] = [
    [[], 20],
    [['--top', '3'], 3],
    [['--top=0'], 0],
    [['--top', '1000'], 31],
  ]
  for (const [args, count] of cases) {
    const lines = du(...args, top)
      .stdout.trimEnd()
      .split('\n')
      .slice(0, -1)
    t.deepEqual(
      lines.map((line) => line.slice(12)),
      expected.slice(0, count),
    )
  }
})

onPosix('--json prints one object', (t) => {
  const top = makeTree(t, { big: { file: 'x'.repeat(9000) }, small: {} })
  const { status, stdout, stderr } = du('--json', '--top', '2', top)
  t.like({ status, stderr }, { status: 0, stderr: '' })
  t.deepEqual(JSON.parse(stdout), { path: top, ...diskUsage(top, { largest: 2 }), errors: [] })
})

onPosix('a missing directory is an error', (t) => {
  for (const args of [[], ['--json']]) {
    const { status, stdout, stderr } = du('no/such/directory', ...args)
    t.like({ status, stdout }, { status: 1, stdout: '' })
    t.regex(stderr, /^fdkit: ENOENT: no such file or directory, \w+ 'no\/such\/directory'[^\n]*\n$/)
  }
})

onPosix('a file is measured, and a link is an error that says what to write', (t) => {
  const top = makeTree(t, { file: 'contents', link: link('.') })
  t.is(du(`${top}/file`).stdout, '       8 B  total: 8 bytes in 1 file and 0 directories\n')
  const { status, stdout, stderr } = du(`${top}/link`)
  t.like({ status, stdout }, { status: 1, stdout: '' })
  t.is(stderr, `fdkit: ${top}/link is a symbolic link; write ${top}/link/ to measure what it leads to\n`)
  t.is(du(`${top}/link/`).status, 0)
})

onPosix('a name that begins with a dash comes after --', (t) => {
  const cwd = folder()
  mkdirSync(join(cwd, '--help'))
  const { status, stdout } = spawnSync(commandIn(cwd), ['du', '--', '--help'], { cwd, encoding: 'utf8' })
  t.is(status, 0)
  t.is(stdout.split('\n', 1)[0], '       0 B  --help')
})

// Everything that could move the cursor, hide text or reorder the line.
const hostile = [
  'esc\x1b[2J',
  'new\nline',
  'back\\slash',
  'bidi\u202e',
  'c1\u009b',
  'del\x7f',
  'separator\u2028',
  'tag\u{e0041}',
]

unless(notLinux)('names that could trick a terminal are escaped, and stay distinct', (t) => {
  const top = makeTree(t, Object.fromEntries([...hostile, 'é😀'].map((name) => [name, {}])))
  for (const byte of [0xff, 0xfe]) mkdirSync(Buffer.concat([Buffer.from(`${top}/odd`), Buffer.of(byte)]))
  const { status, stdout, stderr } = du(top)
  t.like({ status, stderr }, { status: 0, stderr: '' })
  const shown = stdout
    .split('\n')
    .slice(1, -2)
    .map((line) => line.slice(12 + top.length + 1))
  const expected = [
    'esc\\x1b[2J',
    'new\\nline',
    'back\\\\slash',
    'bidi\\u202e',
    'c1\\u009b',
    'del\\x7f',
    'separator\\u2028',
    'tag\\u{e0041}',
    'é😀',
    'odd\\xff',
    'odd\\xfe',
  ]
  t.deepEqual(shown.toSorted(), expected.toSorted())

  const json = du('--json', top).stdout
  t.notRegex(json, /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
  const { largest } = JSON.parse(json) as { largest: { path: string }[] }
  const names = largest.map(({ path }) => path.slice(top.length + 1)).filter(Boolean)
  t.deepEqual(names.toSorted(), [...hostile, 'é😀', 'odd\udcff', 'odd\udcfe'].toSorted())

  t.regex(du('no\nsuch\x1b[2J').stderr, /^fdkit: ENOENT: .* 'no\\nsuch\\x1b\[2J'[^\n]*\n$/)
})

unless(notLinux || notRoot || missing('setpriv'))(
  'what cannot be read is an error, and the rest is measured',
  (t) => {
    const top = makeTree(t, { closed: { file: 'x' }, open: { file: 'x'.repeat(50_000) } })
    chmodSync(top, 0o755)
    chmodSync(`${top}/closed`, 0)
    // Another user may not enter the folder of the test.
    const cwd = process.cwd()
    const command = ['--reuid', '65534', '--clear-groups', process.execPath, 'dist/cli.js', 'du']
    for (const args of [[], ['--json']]) {
      const { status, stdout, stderr } = spawnSync('setpriv', [...command, ...args, top], {
        cwd,
        encoding: 'utf8',
      })
      t.is(status, 1)
      t.is(stderr, `fdkit: EACCES: permission denied, openat '${top}/closed'\n`)
      if (args.length === 0) t.is(totalOf(stdout), 50_000)
      else {
        t.like(JSON.parse(stdout), {
          bytes: 50_000,
          errors: [{ code: 'EACCES', path: `${top}/closed`, message: stderr.slice('fdkit: '.length, -1) }],
        })
      }
    }
  },
)

onPosix('it ends quietly if nobody reads its output', (t) => {
  const names = Array.from({ length: 30 }, (_, index) => [`d${index}`, {}])
  const top = makeTree(t, Object.fromEntries(names))
  const cwd = folder()
  for (const reader of ['true', 'head -n 1 >/dev/null']) {
    for (const options of ['', '--json']) {
      const pipeline = `{ '${commandIn(cwd)}' du ${options} '${top}'; echo "status $?" >&2; } | ${reader}`
      const { stderr } = spawnSync('bash', ['-c', pipeline], { cwd, encoding: 'utf8' })
      t.is(stderr, 'status 0\n', `${options} ${reader}`)
    }
  }
  // The pipe is closed before the command starts, and it is the one for errors, too.
  const command = `sleep 0.3; '${commandIn(cwd)}' du no-such 2>&1; echo "status $?" >&3`
  const { stdout } = spawnSync('bash', ['-c', `{ { ${command}; } 3>&1 1>&4 | cat; } 4> >(true)`], {
    cwd,
    encoding: 'utf8',
  })
  t.regex(stdout, /^status [01]\n$/)
})

/** Creates a tree that takes much longer than 100 ms, and whose names want to trick the terminal. */
function makeLargeTree(t: Parameters<typeof makeTree>[0]): string {
  const top = makeTreeInMemory(t, { file: '' })
  for (let one = 0; one < 300; one++) {
    for (let other = 0; other < 100; other++) {
      mkdirSync(`${top}/\x1b[2J${one}/${other}/d`, { recursive: true })
    }
  }
  return top
}

unless(notLinux || missing('script'), test.serial)(
  'it shows the progress on a terminal, and leaves a clean line at the end and on Ctrl-C',
  async (t) => {
    const top = makeLargeTree(t)
    const cwd = folder()
    const start = () => {
      const command = `stty columns 70; exec '${commandIn(cwd)}' du --top 1 '${top}'`
      const env = { ...userEnvironment, TERM: 'xterm' }
      const terminal = spawn('script', ['-qefc', command, '/dev/null'], { cwd, env, stdio: 'pipe' })
      t.teardown(() => terminal.kill('SIGKILL'))
      terminal.stdout.setEncoding('utf8')
      return terminal
    }
    const parts = (output: string) => output.split('\r\x1b[K').slice(1)

    const whole = start()
    let output = ''
    whole.stdout.on('data', (text: string) => (output += text))
    t.deepEqual(await once(whole, 'close'), [0, null])
    const [first = '', ...rest] = parts(output)
    t.regex(first, /^\d+ directories, [\d.]+ [KMG]?i?B, \/.*\/\\x1b\[2J/)
    t.true(first.length < 70)
    const counts = [first, ...rest.slice(0, -1)].map((text) => Number.parseInt(text, 10))
    t.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    )
    t.regex(rest.at(-1) ?? '', /^ +\S+ K?i?B {2}\/\S+\r\n.*total: .*60301 directories\r\n$/)

    const stopped = start()
    output = ''
    let isSent = false
    stopped.stdout.on('data', (text: string) => {
      output += text
      if (!isSent && output.includes('directories')) isSent = stopped.stdin.write('\x03')
    })
    t.deepEqual(await once(stopped, 'close'), [130, null])
    t.true(output.endsWith('\r\x1b[K'), JSON.stringify(output.slice(-200)))
    t.notRegex(output, /total/)
  },
)

test('the command does not make the import of the package larger', (t) => {
  const bundle = readFileSync('dist/index.js', 'utf8')
  t.notRegex(bundle, /usage: fdkit/)
  t.regex(readFileSync('dist/cli.js', 'utf8'), /^#!\/usr\/bin\/env node\n/)
  t.notRegex(readFileSync('dist/cli.js', 'utf8'), /from "fdkit/)
})

onPosix('npm start runs the same program', (t) => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.is(scripts.start, 'node scripts/setup.mjs && node dist/cli.js du')
  t.is(
    execFileSync(process.execPath, ['dist/cli.js', 'du', '--help'], { encoding: 'utf8' }),
    du('--help').stdout,
  )
})
