// Tests audit hooks and diagnostics channels. A hook cannot be removed, so each test runs in a child
// process.
import { spawnSync } from 'node:child_process'
import { constants } from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import { addAuditHook } from 'fdkit'

import { programPath } from '../helpers/child.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const { O_CREAT, O_EXCL, O_TRUNC, O_WRONLY } = constants

/** Runs the program and parses each line that it prints as JSON. */
function run(cwd: string, script: string): unknown[] {
  const program = `
    import * as fs from 'node:fs'
    import { channel, subscribe } from 'node:diagnostics_channel'
    import * as fdkit from ${JSON.stringify(import.meta.resolve('fdkit'))}
    const { addAuditHook, fwalk, listdir, open, rmdir, stat, unlink } = fdkit
    const say = (value) => console.log(JSON.stringify(value, (_, value) =>
      value === undefined ? '<undefined>' : typeof value === 'function' ? '<function>' : value))
    const attempt = (call) => { try { return call() } catch (error) { return error.code ?? error.message } }
    ${script}
  `
  const node = ['--input-type=module', '-e', program]
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

const makeDir = (t: ExecutionContext) => makeTree(t, { dir: { file: '' }, empty: {}, file: '' })

const every = `
  const fd = open('.', 0)
  open('file', 'r', { dirFd: fd })
  attempt(() => open('none', 'wx', { mode: 0o600, dirFd: 999999 }))
  listdir('dir')
  listdir(fd)
  listdir()
  attempt(() => unlink('none'))
  attempt(() => unlink('none', { dirFd: fd }))
  attempt(() => rmdir('none'))
  attempt(() => rmdir('none', { dirFd: fd }))
  fwalk('dir').return()
  fwalk('dir', { topdown: false, onerror: () => {}, followSymlinks: true, dirFd: fd }).return()
  fwalk().return()
`

test('hooks receive the events of Python with their arguments in order', (t) => {
  const U = '<undefined>'
  const seen = run(makeDir(t), `addAuditHook((...event) => say(event))\n${every}\nsay(fd)`)
  const fd = seen.pop()
  t.deepEqual(seen, [
    ['open', ['.', U, 0]],
    ['open', ['file', U, 0]],
    ['open', ['none', U, O_WRONLY | O_CREAT | O_EXCL | O_TRUNC]],
    ['os.listdir', ['dir']],
    ['os.listdir', [fd]],
    ['os.listdir', [U]],
    ['os.remove', ['none', -1]],
    ['os.remove', ['none', fd]],
    ['os.rmdir', ['none', -1]],
    ['os.rmdir', ['none', fd]],
    ['os.fwalk', ['dir', true, U, false, U]],
    ['os.fwalk', ['dir', false, '<function>', true, fd]],
    ['os.fwalk', ['.', true, U, false, U]],
  ])
})

test('the event shutil.rmtree has undefined if there is no dirFd, as Python has None', (t) => {
  const seen = run(
    makeDir(t),
    `
    const fd = open('.', 0)
    addAuditHook((...event) => say(event))
    fdkit.rmtree('empty')
    fdkit.rmtree('dir', { dirFd: fd })
    say(fd)
  `,
  )
  const fd = seen.pop()
  t.deepEqual(seen, [
    ['shutil.rmtree', ['empty', '<undefined>']],
    ['shutil.rmtree', ['dir', fd]],
  ])
})

test('diagnostics channels carry the arguments by name', (t) => {
  const watched = ['open', 'os.listdir', 'os.remove', 'os.rmdir', 'os.fwalk', 'sys.addaudithook']
  const U = '<undefined>'
  const seen = run(
    makeDir(t),
    `
    for (const name of ${JSON.stringify(watched)}) subscribe(name, (message, name) => say([name, message]))
    open('file', 'r+')
    listdir('dir')
    attempt(() => unlink('none'))
    attempt(() => rmdir('none', { dirFd: 0 }))
    fwalk('dir', { topdown: false })
    addAuditHook(() => {})
  `,
  )
  t.deepEqual(seen, [
    ['open', { path: 'file', mode: U, flags: 2 }],
    ['os.listdir', { path: 'dir' }],
    ['os.remove', { path: 'none', dirFd: -1 }],
    ['os.rmdir', { path: 'none', dirFd: 0 }],
    ['os.fwalk', { top: 'dir', topdown: false, onerror: U, followSymlinks: false, dirFd: U }],
    ['sys.addaudithook', {}],
  ])
})

unless(notLinux || missing('python3'))('calls raise the same events as in Python', (t) => {
  const cwd = makeDir(t)
  const { stdout } = spawnSync('python3', [programPath('runtime/events.py')], { cwd, encoding: 'utf8' })
  // Python includes the O_CLOEXEC that it adds.
  const cloexec = 0o2000000
  const python = (JSON.parse(stdout) as [string, unknown[]][]).map(([event, args]) => [
    event,
    event === 'open' ? [args[0], args[1], (args[2] as number) & ~cloexec] : args,
  ])
  const seen = run(
    cwd,
    `
    const seen = []
    addAuditHook((event, args) => seen.push([event, args]))
    const fd = open('.', 0)
    open('file', 'r+', { dirFd: fd })
    listdir('dir'); listdir(fd); listdir()
    attempt(() => unlink('none')); attempt(() => unlink('none', { dirFd: fd }))
    attempt(() => rmdir('none')); attempt(() => rmdir('none', { dirFd: fd }))
    fwalk(); fwalk('dir', { topdown: false, followSymlinks: true, dirFd: fd })
    say(seen.map(([event, args]) => [event, args.map((arg) => arg === fd ? 'FD' : arg ?? null)]))
  `,
  )
  t.deepEqual(seen, [python])
})

test('events contain the arguments as they were passed: bytes and URLs', (t) => {
  const seen = run(
    makeDir(t),
    `
    const given = [Buffer.from('file'), new Uint8Array([46]), new URL('file:///')]
    addAuditHook((event, [path]) => say(path === given[0]))
    for (const _ of [1, 2, 3]) { attempt(() => rmdir(given[0])); given.shift() }
  `,
  )
  t.deepEqual(seen, [true, true, true])
})

test('a hook that throws cancels the operation before any system call', (t) => {
  const cwd = makeDir(t)
  const seen = run(
    cwd,
    `
    const fds = () => fs.readdirSync('/dev/fd').length
    say('the first line opens descriptors')
    const before = fds()
    addAuditHook((event) => { throw new Error('no ' + event) })
    say(attempt(() => open('made', 'w')))
    say(attempt(() => unlink('file')))
    say(attempt(() => rmdir('empty')))
    say(attempt(() => listdir('.')))
    say(attempt(() => fwalk('.')))
    say(fs.readdirSync('.').sort())
    say(fds() === before)
  `,
  )
  const refused = ['no open', 'no os.remove', 'no os.rmdir', 'no os.listdir', 'no os.fwalk']
  t.deepEqual(seen.slice(1), [...refused, ['dir', 'empty', 'file'], true])
})

unless(notLinux || missing('strace'))('a refused operation makes no system call according to strace', (t) => {
  const script = `
    import { addAuditHook, open, rmdir, unlink } from 'fdkit'
    addAuditHook(() => { throw new Error('no') })
    for (const call of [open, unlink, rmdir]) try { call('refused-name') } catch {}
  `
  const node = [process.execPath, '--input-type=module', '-e', script]
  const strace = ['-f', '-qq', '-e', 'trace=open,openat,unlinkat,unlink,rmdir,newfstatat,statx']
  const { status, stderr } = spawnSync('strace', [...strace, ...node], { encoding: 'utf8' })
  t.is(status, 0)
  // musl calls open.
  t.regex(stderr, /\bopen(at)?\(/)
  t.false(stderr.includes('refused-name'))
})

test('the operation throws the error object that the hook threw', (t) => {
  const seen = run(
    makeDir(t),
    `
    const reason = { any: 'value' }
    addAuditHook(() => { throw reason })
    try { unlink('file') } catch (error) { say(error === reason) }
  `,
  )
  t.deepEqual(seen, [true])
})

test('invalid arguments are rejected before any hook is called', (t) => {
  const seen = run(
    makeDir(t),
    `
    addAuditHook((event) => say(event))
    attempt(() => open('file', 'r', { mode: -1 }))
    attempt(() => unlink('file', { dirFd: -1 }))
    attempt(() => fwalk('dir', { maxOpen: 1 }))
    attempt(() => listdir({}))
    attempt(() => addAuditHook('no function'))
    say('end')
  `,
  )
  t.deepEqual(seen, ['end'])
})

test('hooks are called in the order in which they were added, and none is called after one that throws', (t) => {
  const seen = run(
    makeDir(t),
    `
    addAuditHook((event) => say(['first', event]))
    addAuditHook((event) => { if (event === 'os.remove') throw new Error('second') })
    addAuditHook((event) => say(['third', event]))
    subscribe('os.remove', () => say('channel'))
    say(attempt(() => unlink('file')))
    listdir('.')
    say(fs.existsSync('file'))
  `,
  )
  t.deepEqual(seen, [
    ['first', 'sys.addaudithook'],
    ['first', 'sys.addaudithook'],
    ['first', 'os.remove'],
    'second',
    ['first', 'os.listdir'],
    ['third', 'os.listdir'],
    true,
  ])
})

test('a hook is told about hooks that are added later, and can refuse them', (t) => {
  const seen = run(
    makeDir(t),
    `
    addAuditHook((event, args) => { say([event, args]); if (event === 'sys.addaudithook') throw new Error('no more') })
    say(attempt(() => addAuditHook(() => say('never called'))))
    listdir('.')
  `,
  )
  t.deepEqual(seen, [['sys.addaudithook', []], 'no more', ['os.listdir', ['.']]])
})

test('a hook cannot be removed', (t) => {
  const seen = run(
    makeDir(t),
    `
    const hook = () => say('called')
    say([addAuditHook(hook)])
    say(Object.keys(fdkit).filter((name) => /hook/i.test(name)))
    hook.call = hook.apply = hook.bind = undefined
    globalThis.gc?.()
    listdir('.')
  `,
  )
  t.deepEqual(seen, [['<undefined>'], ['addAuditHook'], 'called'])
})

test('a hook cannot change what the next hook and the channel receive', (t) => {
  const seen = run(
    makeDir(t),
    `
    addAuditHook((event, args) => { try { args[0] = 'forged'; args.push('more') } catch {} })
    addAuditHook((event, args) => say(args))
    subscribe('os.listdir', (message) => say(message))
    listdir('dir')
  `,
  )
  t.deepEqual(seen, [['dir'], { path: 'dir' }])
})

test('a hook may call fdkit', (t) => {
  const seen = run(
    makeDir(t),
    `
    let depth = 0
    addAuditHook((event, [path]) => {
      if (depth++ === 0) say(listdir('dir'))
      depth--
    })
    unlink('file')
    say(fs.existsSync('file'))
  `,
  )
  t.deepEqual(seen, [['file'], false])
})

test('the event of a walk is raised once, when fwalk() is called', (t) => {
  const seen = run(
    makeDir(t),
    `
    addAuditHook((event) => say(event))
    const walk = fwalk('.')
    say('called')
    say([...walk].length)
  `,
  )
  t.deepEqual(seen, ['os.fwalk', 'called', 3])
})

test('a call without hooks and subscribers is faster than one with them', (t) => {
  // Compares the fastest of many short runs, so that a busy machine does not matter. A call without
  // listeners must not do the work of a call with a hook and a subscriber.
  const [[silent, heard]] = run(
    '.',
    `
    function best() {
      let best = Infinity
      for (let round = 0; round < 40; round++) {
        const start = process.hrtime.bigint()
        for (let times = 0; times < 500; times++) fwalk('.')
        best = Math.min(best, Number(process.hrtime.bigint() - start))
      }
      return best
    }
    best()
    const silent = best()
    addAuditHook(() => {})
    subscribe('os.fwalk', () => {})
    say([silent, best()])
  `,
  ) as [[number, number]]
  t.true(silent < heard, `${silent} ns without hooks, ${heard} ns with one`)
})

test('addAuditHook accepts only functions', (t) => {
  for (const hook of [undefined, null, {}, 'name', 5, []]) {
    t.throws(() => addAuditHook(hook as never), { code: 'ERR_INVALID_ARG_TYPE', instanceOf: TypeError })
  }
})
