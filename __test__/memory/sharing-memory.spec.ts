// Tests the guide docs/sharing-memory.md: runs its commands with its files, from top to bottom.
import { spawnSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'

import test, { type ExecutionContext } from 'ava'
import { getpagesize, Memfd } from 'fdkit'

import { child, packageRoot } from '../helpers/child.js'
import { guideDirectory, guideCommands, guideFiles } from '../helpers/guide.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { runtimes } from '../helpers/runtimes.js'

const files = guideFiles()
const commands = guideCommands()

/** Creates a directory with the files of the guide and the package. */
const makeDirectory = (t: ExecutionContext) => guideDirectory(t, files)

/** Runs a command with another program instead of `node`. */
function run(cwd: string, command: string, node: string[]): string {
  const quoted = node.map((word) => `'${word}'`).join(' ')
  const line = `set -o pipefail; ${command.replace(/^node /, `${quoted} `)}`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], {
    cwd,
    encoding: 'utf8',
    timeout: patience(100_000),
  })
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
  return stdout
}

function runAll(t: ExecutionContext, node: string[]): void {
  const directory = makeDirectory(t)
  for (const { command, output } of commands) t.is(run(directory, command, node), output, command)
}

test('the guide has files and commands, and each file is run or imported', (t) => {
  t.deepEqual(Object.keys(files), [
    'ring.mjs',
    'producer.mjs',
    'consumer.mjs',
    'server.mjs',
    'client.mjs',
    'camera.mjs',
    'screen.mjs',
    'thread.mjs',
  ])
  t.deepEqual(
    commands.map(({ command }) => command),
    ['node producer.mjs', 'node server.mjs | sort', 'node camera.mjs', 'node thread.mjs'],
  )
  const all = [...Object.values(files), ...commands.map(({ command }) => command)].join('')
  for (const name of Object.keys(files)) {
    t.true(new RegExp(`(node |'\\./|')${name.replace('.', '\\.')}`).test(all), name)
  }
})

unless(notLinux)('the guide runs from top to bottom', (t) => {
  runAll(t, [process.execPath])
})

for (const { name, runtime, missing } of runtimes) {
  if (runtime?.command[0] === process.execPath) continue
  unless(notLinux || missing)(`the guide runs from top to bottom: ${name}`, (t) => {
    if (runtime) runAll(t, runtime.command)
  })
}

interface Ring {
  write(message: Uint8Array, timeoutMs?: number): boolean
  read(timeoutMs?: number): Uint8Array | undefined
  readAsync(signal?: AbortSignal): Promise<Uint8Array>
}
interface RingClass {
  new (memfd: Memfd): Ring
  size(capacity: number): number
}

async function importRing(t: ExecutionContext): Promise<RingClass> {
  const directory = makeDirectory(t)
  // The loader of the tests rewrites private fields, with helpers that it imports from here.
  symlinkSync(join(packageRoot, 'node_modules/@oxc-node'), join(directory, 'node_modules/@oxc-node'))
  const { Ring } = (await import(join(directory, 'ring.mjs'))) as { Ring: RingClass }
  return Ring
}

const HEAD = 0
const TAIL = 16

/** Creates a ring whose counters start at a number. */
async function makeRing(t: ExecutionContext, capacity: number, count = 0) {
  const Ring = await importRing(t)
  const memfd = Memfd.create('ring', { size: Ring.size(capacity) })
  t.teardown(() => memfd.close())
  const words = new Int32Array(memfd.map())
  words[HEAD] = words[TAIL] = count
  return { writer: new Ring(memfd), reader: new Ring(memfd), words }
}

const text = (message: Uint8Array | undefined) => message && Buffer.from(message).toString()

unless(notLinux)(
  'ring: messages of every length work at every position, and when the counters wrap',
  async (t) => {
    for (const start of [0, 2 ** 31 - 64, -64, -4]) {
      const { writer, reader } = await makeRing(t, 64, start)
      for (let index = 0; index < 1000; index++) {
        const message = `${index}`.padEnd(index % 61, '.').slice(0, 60)
        t.true(writer.write(Buffer.from(message), 0), message)
        t.is(text(reader.read(0)), message)
      }
    }
  },
)

unless(notLinux)('ring: a full and an empty ring are distinguished, and time out', async (t) => {
  const { writer, reader } = await makeRing(t, 32)
  t.is(reader.read(0), undefined)
  t.is(reader.read(20), undefined)
  for (const message of ['1234', '5678', '', '9']) t.true(writer.write(Buffer.from(message), 0))
  t.false(writer.write(Buffer.from('x'), 20))
  t.is(text(reader.read()), '1234')
  t.true(writer.write(Buffer.from('abcd'), 0))
  t.deepEqual(
    Array.from({ length: 5 }, () => text(reader.read(0))),
    ['5678', '', '9', 'abcd', undefined],
  )
  t.throws(() => writer.write(Buffer.alloc(29)), { instanceOf: RangeError })
  t.true(writer.write(Buffer.alloc(28, 'y'), 0))
})

unless(notLinux)(
  'ring: an unpublished message is not visible, and an unconsumed one is read again',
  async (t) => {
    const { writer, reader, words } = await makeRing(t, 32)
    t.true(writer.write(Buffer.from('one'), 0))
    const published = words[HEAD] ?? 0
    t.true(writer.write(Buffer.from('two'), 0))
    // As if the writer had been killed before its store.
    words[HEAD] = published
    t.is(text(reader.read(0)), 'one')
    t.is(reader.read(0), undefined)
    words[TAIL] = 0
    t.is(text(reader.read(0)), 'one')
    t.true(writer.write(Buffer.from('three'), 0))
    t.is(text(reader.read(0)), 'three')
  },
)

unless(notLinux)('ring: readAsync waits, and is aborted by its signal', async (t) => {
  const { writer, reader } = await makeRing(t, 64)
  const next = reader.readAsync()
  setTimeout(() => writer.write(Buffer.from('later')), 20)
  t.is(text(await next), 'later')
  await t.throwsAsync(reader.readAsync(AbortSignal.timeout(20)), { name: 'AbortError' })
})

unless(notLinux)('frame: a frame that is not sealed is refused', (t) => {
  const cwd = makeDirectory(t)
  const frame = Memfd.create('frame', { size: 4096 })
  t.teardown(() => frame.close())
  const screen = () => run(cwd, `node screen.mjs ${frame.path}`, [process.execPath])
  t.throws(screen, { message: /not sealed: write/ })
  frame.seal('write')
  t.throws(screen, { message: /not sealed: shrink/ })
  frame.seal('shrink')
  t.is(screen(), '1024 pixels, false\n')
})

unless(notLinux)('frame: reading a mapped sealed frame copies nothing', (t) => {
  t.deepEqual(child('memory/read-frame.mjs'), [true, true])
})

unless(notLinux)(
  'private mappings: a write copies only its page, and other pages still follow the file',
  (t) => {
    const page = getpagesize()
    const memfd = Memfd.create('pages', { size: 2 * page })
    t.teardown(() => memfd.close())
    const own = new Uint8Array(memfd.map({ writable: false }))
    own[0] = 1
    memfd.write(Buffer.alloc(2 * page, 2))
    t.deepEqual([own[0], own[1], own[page]], [1, 0, 2])
    t.is(memfd.read()[0], 2)
  },
)
