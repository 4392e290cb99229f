// Tests the programs in examples/ except du, and what they and the guide say about children, offsets and
// running programs from memory.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { constants } from 'node:os'

import test, { type ExecutionContext } from 'ava'
import { Memfd, memfdCreate, mmap, type MemfdOptions } from 'fdkit'

import { packageRoot } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { noStrace } from '../helpers/strace.js'
import { makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)

const program = (name: string, ...args: string[]) => [`examples/${name}.mjs`, ...args]

function run(input: string | Buffer, name: string, ...args: string[]) {
  return spawnSync(process.execPath, program(name, ...args), {
    input,
    encoding: 'utf8',
    timeout: patience(60_000),
  })
}

function memfd(t: ExecutionContext, options?: MemfdOptions): Memfd {
  const made = Memfd.create('test', options)
  t.teardown(() => made.close())
  return made
}

const noErrors = { status: 0, stderr: '' }

onLinux('secret: the child reads the whole secret each time it opens /dev/fd/3', (t) => {
  const { stdout, ...rest } = run('hunter2\n', 'secret', 'cat', '/dev/fd/3', '/dev/fd/3')
  t.like(rest, noErrors)
  t.is(stdout, 'hunter2\nhunter2\n')
})

onLinux('secret: the child can read descriptor 3 only once', (t) => {
  const { stdout, ...rest } = run('hunter2\n', 'secret', 'sh', '-c', 'cat <&3; echo and; cat <&3')
  t.like(rest, noErrors)
  t.is(stdout, 'hunter2\nand\n')
})

onLinux('secret: the child cannot change the secret', (t) => {
  const { status, stderr } = run('hunter2', 'secret', 'sh', '-c', 'echo 1 > /dev/fd/3')
  t.not(status, 0)
  t.regex(stderr, /not permitted/)
})

onLinux('secret: exits with the status of the command', (t) => {
  t.is(run('', 'secret', 'sh', '-c', 'exit 7').status, 7)
  t.is(run('', 'secret', 'no-such-command').status, 127)
  t.is(run('', 'secret').status, 2)
})

onLinux('secret, verified: a signal that kills the child also kills the example', (t) => {
  const kill = ['sh', '-c', 'kill -TERM $$']
  t.like(run('', 'secret', ...kill), { status: null, signal: 'SIGTERM', stderr: '' })
  const script = `${makeTree(t, { script: '#!/bin/sh\nkill -KILL $$\n' })}/script`
  t.like(run('', 'verified', sha256(script), script), { status: null, signal: 'SIGKILL', stderr: '' })
  // SIGUSR1 would start the debugger of Node.js.
  t.like(run('', 'secret', 'sh', '-c', 'kill -USR1 $$'), {
    status: 128 + constants.signals.SIGUSR1,
    signal: null,
  })
})

onLinux('secret: a signal is forwarded to the child', async (t) => {
  const parent = spawn(
    process.execPath,
    program('secret', 'sh', '-c', 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done'),
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  t.teardown(() => parent.kill('SIGKILL'))
  const exit = once(parent, 'exit')
  await once(parent.stdout, 'data')
  parent.kill('SIGTERM')
  t.deepEqual(await exit, [9, null])
})

onLinux('errors are one line without a stack', (t) => {
  const missingProgram = run('', 'verified', '0'.repeat(64), 'no/such/program')
  t.like(missingProgram, {
    status: 126,
    stderr: "verified: ENOENT: no such file or directory, open 'no/such/program'\n",
  })
  t.like(run('', 'verified', 'abc', '/bin/echo'), {
    status: 2,
    stderr: 'verified: a SHA-256 hash has 64 hexadecimal digits\n',
  })
  t.like(run('', 'secret', 'no-such-command'), { stderr: 'secret: spawn no-such-command ENOENT\n' })
  const limited = (name: string) =>
    spawnSync('bash', ['-c', 'exec 0</; exec "$@"', 'bash', process.execPath, ...program(name, 'cat')], {
      encoding: 'utf8',
      cwd: packageRoot,
    })
  for (const name of ['secret', 'publish']) {
    const { stderr } = limited(name)
    t.regex(stderr, new RegExp(`^${name}: EISDIR: .*\n$`), name)
  }
})

test('examples need no loader and import only the package and Node.js', (t) => {
  for (const file of fs.readdirSync('examples')) {
    const text = fs.readFileSync(`examples/${file}`, 'utf8')
    t.true(file.endsWith('.mjs'), file)
    t.notRegex(text, /--import|--loader|oxc-node|tsx/, file)
    const imported = Array.from(text.matchAll(/ from '([^']+)'/g), ([, name]) => name!)
    t.deepEqual(
      imported.filter((name) => !/^(fdkit(\/promises)?$|node:)/.test(name)),
      [],
      file,
    )
  }
})

unless(noStrace)('secret: neither the parent nor the child creates or changes a file', (t) => {
  const log = `${makeTree(t)}/log`
  const strace = [
    '-f',
    '-qq',
    '-y',
    '-s',
    '4096',
    '-o',
    log,
    '-e',
    'trace=%file,write,pwrite64,writev,sendmsg',
  ]
  const node = [process.execPath, ...program('secret', 'cat', '/dev/fd/3')]
  const output = execFileSync('strace', [...strace, ...node], { input: 'hunter2', encoding: 'utf8' })
  t.is(output, 'hunter2')
  const calls = fs
    .readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => !/ = -1 /.test(line))
  t.deepEqual(
    calls.filter((line) => /O_CREAT|O_TMPFILE| (creat|rename|link|mknod)/.test(line)),
    [],
  )
  const told = calls
    .filter((line) => line.includes('hunter2'))
    .map((line) => / (\w+)\(\d+<([^>]*)>/.exec(line))
  t.deepEqual(told[0]?.slice(1), ['pwrite64', '/memfd:secret'])
  t.deepEqual(
    told.slice(1).filter((match) => match?.[2]?.startsWith('/')),
    [],
  )
})

onLinux('children: the children work on one array in place', (t) => {
  const { stdout, ...rest } = run('', 'children')
  t.like(rest, noErrors)
  t.is(stdout, `${(1_000_000 * 999_999) / 2}\n`)
})

onLinux('threads: no addition is lost', (t) => {
  const { stdout, ...rest } = run('', 'threads')
  t.like(rest, noErrors)
  t.is(stdout, '400000\n')
})

onLinux(
  'publish: other processes can read and map the file by its path until the example ends',
  async (t) => {
    const publisher = spawn(process.execPath, program('publish'), { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => publisher.kill('SIGKILL'))
    const exit = once(publisher, 'exit')
    publisher.stdin.end('the news')
    const [data] = await once(publisher.stdout, 'data')
    const path = String(data).trimEnd()
    t.regex(path, /^\/proc\/\d+\/fd\/\d+$/)
    t.is(fs.readFileSync(path, 'utf8'), 'the news')
    const opened = Memfd.from(fs.openSync(path, 'r'))
    t.teardown(() => opened.close())
    t.deepEqual(
      opened.seals.filter((seal) => seal !== 'exec'),
      ['seal', 'shrink', 'grow', 'write'],
    )
    t.is(Buffer.from(opened.map()).toString(), 'the news')
    publisher.kill('SIGTERM')
    t.deepEqual(await exit, [0, null])
    t.throws(() => fs.readFileSync(path), { code: 'ENOENT' })
    t.is(opened.read().toString(), 'the news')
  },
)

function sha256(path: string): string {
  return createHash('sha256').update(fs.readFileSync(path)).digest('hex')
}

onLinux('verified: runs a program only if its hash matches', (t) => {
  const echo = '/bin/echo'
  t.like(run('', 'verified', sha256(echo), echo, 'ran'), { status: 0, stdout: 'ran\n', stderr: '' })
  const { status, stdout, stderr } = run('', 'verified', '0'.repeat(64), echo, 'ran')
  t.is(status, 126)
  t.is(stdout, '')
  t.is(stderr, `verified: ${echo} has another hash: ${sha256(echo)}\n`)
  t.like(run('', 'verified', sha256(echo).toUpperCase(), echo, 'ran'), { status: 0, stdout: 'ran\n' })
})

onLinux('verified: runs a script', (t) => {
  const script = `${makeTree(t, { script: '#!/bin/sh\necho "ran with $1"\nexit 3\n' })}/script`
  t.like(run('', 'verified', sha256(script), script, 'this'), { status: 3, stdout: 'ran with this\n' })
})

onLinux('a read-only descriptor of a write-sealed file is mapped privately', (t) => {
  const file = memfd(t, { contents: 'final' })
  file.seal('shrink')
  const reader = fs.openSync(file.path, 'r')
  t.teardown(() => fs.closeSync(reader))
  t.throws(() => mmap(reader), { code: 'EACCES' })
  file.seal('write')
  const bytes = new Uint8Array(mmap(reader))
  bytes[0] = 0x46
  t.is(Buffer.from(bytes).toString(), 'Final')
  t.is(file.read().toString(), 'final')
  t.throws(() => mmap(reader, { writable: true }), { code: 'EACCES' })
})

const cat = (fd: number, command: string) =>
  execFileSync('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit', fd], encoding: 'utf8' })

onLinux('offsets: /dev/fd/3 starts at offset 0, and descriptor 3 at the offset of the parent', (t) => {
  const fd = memfdCreate('secret')
  t.teardown(() => fs.closeSync(fd))
  fs.writeSync(fd, 'hunter2')
  t.is(cat(fd, 'cat <&3'), '')
  t.is(cat(fd, 'cat /dev/fd/3'), 'hunter2')
  t.is(fs.readSync(fd, Buffer.alloc(7)), 0)
})

onLinux('offsets: Memfd does not move the offset, so the first child reads the whole file', (t) => {
  const { fd } = memfd(t, { contents: 'hunter2' })
  t.is(cat(fd, 'cat <&3'), 'hunter2')
  t.is(cat(fd, 'cat <&3'), '')
  t.is(cat(fd, 'cat /dev/fd/3'), 'hunter2')
})

onLinux('offsets: a program on standard input runs only once', (t) => {
  const { fd } = memfd(t, { contents: 'console.log("ran")' })
  const node = () =>
    execFileSync(process.execPath, ['-'], { stdio: [fd, 'pipe', 'inherit'], encoding: 'utf8' })
  t.deepEqual([node(), node()], ['ran\n', ''])
})

const elf = (): Buffer => fs.readFileSync('/bin/echo')
const script = '#!/bin/sh\necho "$@"\n'
const programs: [string, () => string | Buffer][] = [
  ['an ELF program', elf],
  ['a script', () => script],
]

function start(path: string, ...inherited: number[]) {
  return spawnSync(path, ['ran'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe', ...inherited] })
}

const startCode = (path: string) => (start(path).error as NodeJS.ErrnoException | undefined)?.code

for (const [what, contents] of programs) {
  onLinux(`from memory: ${what} runs by its path and as /dev/fd/3`, (t) => {
    const file = memfd(t, { contents: contents(), exec: true })
    t.like(start(file.path), { status: 0, stdout: 'ran\n', stderr: '' })
    t.like(start('/dev/fd/3', file.fd), { status: 0, stdout: 'ran\n', stderr: '' })
  })

  onLinux(`from memory: ${what} runs with all seals`, (t) => {
    const file = memfd(t, { contents: contents(), exec: true })
    file.seal('write', 'shrink', 'grow', 'seal')
    t.like(start(file.path), { status: 0, stdout: 'ran\n', stderr: '' })
  })
}

/** Returns false if the kernel has MFD_NOEXEC_SEAL, and otherwise the reason to skip a test. */
function noExecSeals(): string | false {
  if (notLinux) return notLinux
  const file = Memfd.create('probe')
  const { seals } = file
  file.close()
  return seals.includes('exec') ? false : 'needs Linux 6.3'
}

for (const [what, contents] of programs) {
  unless(noExecSeals())(`from memory: ${what} without exec is EACCES and cannot be made executable`, (t) => {
    const file = memfd(t, { contents: contents() })
    t.is(startCode(file.path), 'EACCES')
    t.throws(() => fs.chmodSync(file.path, 0o700), { code: 'EPERM' })
  })
}

onLinux('from memory: an interpreter can read a script without exec', (t) => {
  const file = memfd(t, { contents: script })
  t.is(execFileSync('sh', [file.path, 'ran'], { encoding: 'utf8' }), 'ran\n')
})

onLinux('from memory: /proc/self/fd works for an ELF program, and is closed before a script is read', (t) => {
  const [binary, text] = [elf(), script].map((contents) => memfd(t, { contents, exec: true })) as [
    Memfd,
    Memfd,
  ]
  t.like(start(`/proc/self/fd/${binary.fd}`), { status: 0, stdout: 'ran\n' })
  const { status, stderr } = start(`/proc/self/fd/${text.fd}`)
  t.not(status, 0)
  t.regex(stderr, /No such file/)
})

unless(notLinux || missing('python3'))(
  'from memory: fexecve of a script is ENOENT unless the descriptor is inheritable',
  (t) => {
    const file = memfd(t, { contents: script, exec: true })
    const python = (inheritable: string) => [
      'import errno, os',
      `os.set_inheritable(3, ${inheritable})`,
      'try: os.execve(3, ["name", "ran"], {})',
      'except OSError as error: print(errno.errorcode[error.errno])',
    ]
    const stdio = ['ignore', 'pipe', 'inherit', file.fd] as const
    const tell = (inheritable: string) =>
      execFileSync('python3', ['-c', python(inheritable).join('\n')], { stdio: [...stdio], encoding: 'utf8' })
    t.is(tell('False'), 'ENOENT\n')
    t.is(tell('True'), 'ran\n')
  },
)

onLinux('from memory: a script for Node.js needs --preserve-symlinks-main', (t) => {
  const plain = memfd(t, { contents: `#!${process.execPath}\nconsole.log(process.argv[2])\n`, exec: true })
  t.regex(start(plain.path).stderr, /ENOENT.*memfd/)
  const flag = `#!/usr/bin/env -S ${process.execPath} --preserve-symlinks-main\nconsole.log(process.argv[2])\n`
  t.like(start(memfd(t, { contents: flag, exec: true }).path), { status: 0, stdout: 'ran\n' })
})

/** Returns false if the kernel refuses to run a program that is open for writing (Linux 6.11 does not). */
function keepsNoWritersAway(): string | false {
  if (notLinux) return notLinux
  const path = `${fs.mkdtempSync('/tmp/fdkit-')}/true`
  fs.copyFileSync('/bin/true', path)
  fs.chmodSync(path, 0o755)
  const fd = fs.openSync(path, 'r+')
  const { error } = spawnSync(path)
  fs.closeSync(fd)
  fs.rmSync(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  return error ? false : 'needs a kernel that keeps writers away from programs'
}
const withDenial = unless(keepsNoWritersAway())

withDenial('from memory: running a file is ETXTBSY while a reopened descriptor can write', (t) => {
  const file = memfd(t, { contents: elf(), exec: true })
  const writer = fs.openSync(file.path, 'r+')
  t.is(startCode(file.path), 'ETXTBSY')
  // Seals do not help, since they do not close the descriptor.
  file.seal('write', 'shrink', 'grow')
  t.is(startCode(file.path), 'ETXTBSY')
  fs.closeSync(writer)
  t.like(start(file.path), { status: 0, stdout: 'ran\n' })
})

async function withRunning(t: ExecutionContext, check: (file: Memfd) => void): Promise<void> {
  const file = memfd(t, { contents: fs.readFileSync('/bin/cat'), exec: true })
  const running = spawn(file.path, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => running.kill('SIGKILL'))
  running.stdin.write('x')
  await once(running.stdout, 'data')
  check(file)
}

withDenial('from memory: a running program cannot be opened for writing', (t) =>
  withRunning(t, (file) => {
    t.throws(() => fs.openSync(file.path, 'r+'), { code: 'ETXTBSY' })
  }),
)

onLinux('from memory: the original descriptor can change a running program unless it is sealed', (t) =>
  withRunning(t, (file) => {
    t.notThrows(() => file.write('x', file.size))
    file.seal('write')
    t.throws(() => file.write('x', file.size), { code: 'EPERM' })
  }),
)

unless(noExecSeals())('from memory: the seal exec also adds the seals that forbid changes', (t) => {
  const file = memfd(t, { contents: elf(), exec: true })
  file.seal('exec')
  t.deepEqual(file.seals, ['shrink', 'grow', 'write', 'futureWrite', 'exec'])
  t.like(start(file.path), { status: 0, stdout: 'ran\n' })
  t.throws(() => fs.chmodSync(file.path, 0o600), { code: 'EPERM' })
})

onLinux('du: prints the largest directories and the total', (t) => {
  const top = makeTree(t, { small: {}, large: { file: 'x'.repeat(3 * 2 ** 20) } })
  const total = '     3.0 MiB'
  t.like(run('', 'du', top), {
    status: 0,
    stdout: `${total} ${top}\n${total} ${top}/large\n     0.0 MiB ${top}/small\n${total} in 1 files\n`,
    stderr: '',
  })
  t.like(run('', 'du', `${top}/missing`), { status: 1, stdout: '' })
})

test('each program in examples/ has a test', (t) => {
  const examples = fs.readdirSync('examples').map((name) => name.replace('.mjs', ''))
  t.deepEqual(examples.sort(), ['children', 'du', 'publish', 'secret', 'threads', 'verified'])
})
